#include "shadow/observe/reverse_dns.h"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <utility>

namespace loam::observe {

namespace {

/// `parts` one after the other somewhere in `name`, each as a number of its own and all joined by one same character.
bool spellsInOrder(std::string_view name, const std::array<std::string, 4>& parts) {
  for (const char joint : {'-', '.', '_'}) {
    const std::string spelled = parts[0] + joint + parts[1] + joint + parts[2] + joint + parts[3];
    for (auto at = name.find(spelled); at != std::string_view::npos; at = name.find(spelled, at + 1)) {
      const auto isDigit = [&](std::size_t i) { return i < name.size() && name[i] >= '0' && name[i] <= '9'; };
      if (!(at > 0 && isDigit(at - 1)) && !isDigit(at + spelled.size())) return true;
    }
  }
  return false;
}

std::string hexOf(const IpAddress& address, std::size_t from) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (std::size_t i = from; i < 16; ++i) {
    hex.push_back(kDigits[address.bytes()[i] >> 4]);
    hex.push_back(kDigits[address.bytes()[i] & 15]);
  }
  return hex;
}

}  // namespace

bool spellsAddress(std::string_view name, const IpAddress& address) {
  if (name.ends_with(".in-addr.arpa") || name.ends_with(".ip6.arpa")) return true;
  if (!address.isV4()) {
    std::string packed;
    std::copy_if(name.begin(), name.end(), std::back_inserter(packed),
                 [](char c) { return c != '-' && c != '.' && c != ':'; });
    std::string dashed = address.text();
    std::replace(dashed.begin(), dashed.end(), ':', '-');
    return packed.find(hexOf(address, 0)) != std::string::npos || name.find(dashed) != std::string_view::npos;
  }
  const auto bytes = address.v4Bytes();
  std::array<std::string, 4> parts;
  std::transform(bytes.begin(), bytes.end(), parts.begin(), [](std::uint8_t byte) { return std::to_string(byte); });
  if (spellsInOrder(name, parts) || name.find(hexOf(address, 12)) != std::string_view::npos) return true;
  std::reverse(parts.begin(), parts.end());
  return spellsInOrder(name, parts);
}

std::string resolveWithSystem(const IpAddress& address) {
  sockaddr_storage storage{};
  const socklen_t size = SocketAddress{address, 0}.to(storage);
  std::array<char, NI_MAXHOST> host{};
  const int failed = ::getnameinfo(reinterpret_cast<const sockaddr*>(&storage), size, host.data(), host.size(), nullptr,
                                   0, NI_NAMEREQD);
  return failed == 0 ? std::string(host.data()) : std::string();
}

ReverseDns::ReverseDns(const Clock& clock, Resolve resolve)
    : clock_(clock), resolve_(std::move(resolve)), thread_([this] { run(); }) {}

ReverseDns::~ReverseDns() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void ReverseDns::ask(const IpAddress& address) {
  if (address.isLoopback() || address.isUnspecified() || address.isLinkLocal()) return;
  const Monotonic now = clock_.now();
  {
    const std::lock_guard lock(mutex_);
    const auto at = asked_.find(address);
    if (at != asked_.end() && now - at->second < kKnownFor) return;
    if (waiting_.size() >= kMostWaiting) return;
    if (at == asked_.end() && asked_.size() >= kMostKnown) {
      std::erase_if(asked_, [&](const auto& entry) { return now - entry.second >= kKnownFor; });
      if (asked_.size() >= kMostKnown) return;
    }
    asked_[address] = now;
    waiting_.push_back(address);
  }
  wake_.notify_one();
}

std::vector<ReverseName> ReverseDns::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(found_, {});
}

void ReverseDns::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const IpAddress address = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    std::string name = resolve_(address);
    lock.lock();
    if (!name.empty() && !spellsAddress(name, address)) found_.push_back({address, std::move(name)});
    wake_.wait_for(lock, milliseconds(1000 / kPerSecond), [this] { return stopping_; });
  }
}

}  // namespace loam::observe
