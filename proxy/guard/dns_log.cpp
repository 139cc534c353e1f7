#include "proxy/guard/dns_log.h"

extern "C" {
#include <libnetfilter_log/libnetfilter_log.h>
}
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "proxy/guard/dns_message.h"

namespace loam::guard {

namespace {

constexpr std::size_t kMostFacts = 4096;
constexpr unsigned kSnap = 4096;
constexpr int kMostReads = 64;

int receivePacket(nflog_g_handle*, nfgenmsg*, nflog_data* packet, void* log) {
  char* payload = nullptr;
  const int size = ::nflog_get_payload(packet, &payload);
  if (size <= 0) return 0;
  static_cast<DnsLog*>(log)->show({reinterpret_cast<const std::uint8_t*>(payload), static_cast<std::size_t>(size)});
  return 0;
}

}  // namespace

Result<std::unique_ptr<DnsLog>> DnsLog::open(std::uint16_t group) {
  std::unique_ptr<DnsLog> log(new DnsLog());
  log->handle_ = ::nflog_open();
  if (!log->handle_) return fail(systemError(errno, "opening NFLOG"));
  ::fcntl(log->descriptor(), F_SETFL, O_NONBLOCK);
  ::fcntl(log->descriptor(), F_SETFD, FD_CLOEXEC);
  log->group_ = ::nflog_bind_group(log->handle_, group);
  if (!log->group_) {
    return fail(
        systemError(errno, "listening on NFLOG group " + std::to_string(group) + " (choose another by --dns-group)"));
  }
  if (::nflog_set_mode(log->group_, NFULNL_COPY_PACKET, kSnap) < 0) return fail(systemError(errno, "setting up NFLOG"));
  ::nflog_callback_register(log->group_, receivePacket, log.get());
  return log;
}

DnsLog::~DnsLog() {
  if (group_) ::nflog_unbind_group(group_);
  if (handle_) ::nflog_close(handle_);
}

int DnsLog::descriptor() const { return ::nflog_fd(handle_); }

void DnsLog::receive() {
  std::array<char, 65536> buffer;
  for (int reads = 0; reads < kMostReads; ++reads) {
    const ssize_t size = ::recv(descriptor(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == ENOBUFS) {
      ++dropped_;
      continue;
    }
    if (size <= 0) return;
    ::nflog_handle_packet(handle_, buffer.data(), static_cast<int>(size));
  }
}

void DnsLog::show(std::span<const std::uint8_t> ipPacket) {
  const auto answers = parseDnsAnswer(dnsPayload(ipPacket));
  if (!answers) return;
  for (const DnsFact& fact : *answers) {
    if (facts_.size() >= kMostFacts && !facts_.contains({fact.name, fact.address})) {
      ++dropped_;
      continue;
    }
    facts_[{fact.name, fact.address}] = fact.ttl;
  }
}

std::vector<DnsFact> DnsLog::take() {
  std::vector<DnsFact> taken;
  for (const auto& [key, ttl] : facts_) taken.push_back({key.first, key.second, ttl});
  facts_.clear();
  return taken;
}

}  // namespace loam::guard
