#pragma once

#include <algorithm>
#include <compare>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"
#include "proxy/base/stable_hash.h"

namespace loam::upstream {

/// What has to be the same for an exchange to go over a connection.
struct PoolKey {
  SocketAddress endpoint;
  IpAddress source{};      ///< that the server sees; unspecified: this host's own
  std::string security{};  ///< empty: none; else everything that one handshake decided: who the peer is, by whose trust

  bool operator==(const PoolKey&) const = default;
};

struct PoolKeyHash {
  std::size_t operator()(const PoolKey& key) const noexcept {
    const std::size_t ends = std::hash<SocketAddress>()(key.endpoint) * 31 + std::hash<IpAddress>()(key.source);
    return key.security.empty() ? ends : ends ^ fnv1a(key.security);
  }
};

struct PoolTerms {
  std::uint32_t mostIdle = 32;    ///< of a key
  nanoseconds idle = seconds(3);  ///< below what servers close after
  nanoseconds life = std::chrono::hours(1);
};

/// A connection that can be kept.
template <class Connection>
concept Keepable = requires(Connection& connection) {
  /// Nothing came and it has not ended: looked at anew, since what is idle may end at any time.
  { connection.isQuiet() } -> std::convertible_to<bool>;
  /// When it was made.
  { connection.since() } -> std::convertible_to<Monotonic>;
};

/// Connections of one worker that wait for the next exchange: the one that waited least first, since a server closes
/// the others sooner. They are closed with the pool. One thread.
template <Keepable Connection>
class IdlePool {
 public:
  static constexpr std::size_t kMost = 1024;  ///< of all keys together: descriptors are everybody's

  IdlePool() = default;
  IdlePool(const IdlePool&) = delete;
  IdlePool& operator=(const IdlePool&) = delete;

  /// Null: one has to be made. What is too old, or not quiet any more, is closed on the way.
  std::unique_ptr<Connection> take(const PoolKey& key, Monotonic now);
  /// Keeps one after an exchange that left it whole. Where it is one too many, the one that waited longest goes.
  void give(const PoolKey& key, std::unique_ptr<Connection> connection, const PoolTerms& terms, Monotonic now);
  /// Closes what is too old or has ended: every second or so.
  void sweep(Monotonic now);
  /// Closes all.
  void clear() { shelves_.clear(), size_ = 0; }
  std::size_t size() const { return size_; }

 private:
  struct Kept {
    std::unique_ptr<Connection> connection;
    Monotonic given;
    Monotonic until;

    bool isGood(Monotonic now) const { return now < until && connection->isQuiet(); }
  };
  using Shelf = std::vector<Kept>;  // the one that waited longest first

  void dropOldest();

  std::unordered_map<PoolKey, Shelf, PoolKeyHash> shelves_;
  std::size_t size_ = 0;
};

template <Keepable Connection>
std::unique_ptr<Connection> IdlePool<Connection>::take(const PoolKey& key, Monotonic now) {
  const auto found = shelves_.find(key);
  if (found == shelves_.end()) return nullptr;
  Shelf& shelf = found->second;
  while (!shelf.empty()) {
    Kept last = std::move(shelf.back());
    shelf.pop_back();
    --size_;
    if (last.isGood(now)) return std::move(last.connection);
  }
  return nullptr;
}

template <Keepable Connection>
void IdlePool<Connection>::give(const PoolKey& key, std::unique_ptr<Connection> connection, const PoolTerms& terms,
                                Monotonic now) {
  const Monotonic since = connection->since();
  const auto step = [](nanoseconds time) { return std::chrono::duration_cast<Monotonic::duration>(time); };
  Kept kept{std::move(connection), now, std::min(now + step(terms.idle), since + step(terms.life))};
  if (terms.mostIdle == 0 || !kept.isGood(now)) return;
  Shelf& shelf = shelves_[key];
  while (shelf.size() >= terms.mostIdle) {
    shelf.erase(shelf.begin());
    --size_;
  }
  if (size_ >= kMost) dropOldest();
  shelf.push_back(std::move(kept));
  ++size_;
}

template <Keepable Connection>
void IdlePool<Connection>::sweep(Monotonic now) {
  for (auto shelf = shelves_.begin(); shelf != shelves_.end();) {
    size_ -= std::erase_if(shelf->second, [now](const Kept& kept) { return !kept.isGood(now); });
    shelf = shelf->second.empty() ? shelves_.erase(shelf) : std::next(shelf);
  }
}

/// A shelf keeps what it took of memory until it is swept: an exchange that takes and gives allocates nothing.
template <Keepable Connection>
void IdlePool<Connection>::dropOldest() {
  Shelf* oldest = nullptr;
  for (auto& [key, shelf] : shelves_) {
    if (shelf.empty()) continue;
    if (oldest == nullptr || shelf.front().given < oldest->front().given) oldest = &shelf;
  }
  if (oldest == nullptr) return;
  oldest->erase(oldest->begin());
  --size_;
}

}  // namespace loam::upstream
