#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "proxy/guard/facts.h"

struct nflog_handle;
struct nflog_g_handle;

namespace loam::guard {

/// DNS answers as the kernel logs them (NFLOG) from the rule in Loam's table. Keeps the last 4096 (name, address) pairs
/// until they are taken. One thread.
class DnsLog {
 public:
  /// Conflict when another program listens on the group.
  static Result<std::unique_ptr<DnsLog>> open(std::uint16_t group);
  ~DnsLog();
  DnsLog(const DnsLog&) = delete;
  DnsLog& operator=(const DnsLog&) = delete;

  int descriptor() const;
  /// Reads what is there; never waits.
  void receive();
  std::vector<DnsFact> take();
  /// An IP packet as it came: kept when it is an answer.
  void show(std::span<const std::uint8_t> ipPacket);
  std::uint64_t dropped() const { return dropped_; }

 private:
  DnsLog() = default;

  nflog_handle* handle_ = nullptr;
  nflog_g_handle* group_ = nullptr;
  std::map<std::pair<std::string, IpAddress>, std::uint32_t> facts_;
  std::uint64_t dropped_ = 0;
};

}  // namespace loam::guard
