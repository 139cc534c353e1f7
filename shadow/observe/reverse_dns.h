#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"

namespace loam::observe {

/// One address and the name that the resolver has for it.
struct ReverseName {
  IpAddress address;
  std::string name;
};

/// True of names that only spell an address ("ip-10-0-0-1.ec2.internal", "1.0.0.10.in-addr.arpa", "host-10-0-0-1"):
/// they name nothing.
bool spellsAddress(std::string_view name, const IpAddress& address);

/// The system's resolver: getnameinfo(), blocking. Empty when it knows no name or fails.
std::string resolveWithSystem(const IpAddress& address);

/// Asks for names of addresses on a thread of its own: each at most once in kKnownFor whether it has a name or not, at
/// most kPerSecond a second, at most kMostWaiting queued and kMostKnown remembered. ask() and take() by any thread,
/// neither waits.
class ReverseDns {
 public:
  using Resolve = std::function<std::string(const IpAddress&)>;
  static constexpr std::chrono::hours kKnownFor{1};
  static constexpr int kPerSecond = 10;
  static constexpr std::size_t kMostWaiting = 256;
  static constexpr std::size_t kMostKnown = 16384;

  ReverseDns(const Clock& clock, Resolve resolve = resolveWithSystem);
  ~ReverseDns();
  ReverseDns(const ReverseDns&) = delete;
  ReverseDns& operator=(const ReverseDns&) = delete;

  void ask(const IpAddress& address);
  /// Names found since the last call.
  std::vector<ReverseName> take();

 private:
  void run();

  const Clock& clock_;
  const Resolve resolve_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::deque<IpAddress> waiting_;
  std::unordered_map<IpAddress, Monotonic> asked_;
  std::vector<ReverseName> found_;
  std::thread thread_;
};

}  // namespace loam::observe
