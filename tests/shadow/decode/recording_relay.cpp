#include "tests/shadow/decode/recording_relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "proxy/base/assert.h"

namespace loam::decode::testing {
namespace {

constexpr std::size_t kMostRecorded = 64 * 1024;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// All of `bytes`; false when the other side is gone.
bool sendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

RecordingRelay::RecordingRelay(std::uint16_t upstream) : upstream_(upstream) {
  listener_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  LOAM_ASSERT(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  LOAM_ASSERT(::listen(listener_.get(), 16) == 0);
  LOAM_ASSERT(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

RecordingRelay::~RecordingRelay() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

Seen RecordingRelay::finish() {
  stop_ = true;
  thread_.join();
  return seen_;
}

void RecordingRelay::run() {
  while (!stop_ || !flows_.empty()) {
    std::vector<pollfd> waits{{listener_.get(), POLLIN, 0}};
    for (const auto& flow : flows_) {
      for (const int end : {0, 1}) waits.push_back({flow->ended[end] ? -1 : flow->ends[end].get(), POLLIN, 0});
    }
    // After finish() the clients are gone: what is left of their connections drains at once.
    if (::poll(waits.data(), waits.size(), 50) == 0 && stop_) break;
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      for (const int end : {0, 1}) {
        if (flows_[i] && waits[1 + 2 * i + end].revents != 0 && !move(*flows_[i], end)) flows_[i].reset();
        if (!flows_[i]) break;
      }
    }
    std::erase(flows_, nullptr);
    if (waits[0].revents != 0) accept();
  }
  for (const auto& flow : flows_) flow->decoder->close(std::chrono::steady_clock::now());
  flows_.clear();
}

void RecordingRelay::accept() {
  auto flow = std::make_unique<Flow>();
  flow->ends[0] = Descriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  flow->ends[1] = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(upstream_);
  if (::connect(flow->ends[1].get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  for (const Descriptor& end : flow->ends) {
    const int on = 1;
    ::setsockopt(end.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  flow->decoder = makeDetector(seen_, DecoderContext{});
  flow->recorded = !recordedAny_;
  recordedAny_ = true;
  flows_.push_back(std::move(flow));
}

/// Moves one piece; false when the connection is over.
bool RecordingRelay::move(Flow& flow, int from) {
  static std::array<char, 32 * 1024> buffer;
  const Monotonic now = std::chrono::steady_clock::now();
  const Direction direction = from == 0 ? Direction::Upstream : Direction::Downstream;
  const ssize_t size = ::recv(flow.ends[from].get(), buffer.data(), buffer.size(), 0);
  if (size > 0) {
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
    flow.decoder->feed(direction, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, now);
    if (flow.recorded && recordedBytes_ + bytes.size() <= kMostRecorded) {
      transcript_.push_back({direction, std::string(bytes)});
      recordedBytes_ += bytes.size();
    }
    if (sendAll(flow.ends[1 - from].get(), bytes)) return true;
  } else if (size == 0) {
    flow.ended[from] = true;
    flow.decoder->end(direction, now);
    ::shutdown(flow.ends[1 - from].get(), SHUT_WR);
    if (!flow.ended[1 - from]) return true;
  }
  flow.decoder->close(now);
  return false;
}

}  // namespace loam::decode::testing
