#include "proxy/guard/guard_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "proxy/guard/protocol.h"
#include "proxy/guard/unix_socket.h"

namespace loam::guard {

namespace {

constexpr int kRulesSeconds = 10;  // thousands of elements take the kernel a while

}  // namespace

Result<GuardClient> GuardClient::connect(const std::string& socketPath) {
  auto socket = unix_socket::connect(socketPath);
  if (!socket) return fail(socket.error());
  return GuardClient(std::move(*socket));
}

Result<std::string> GuardClient::ask(const std::string& request, int descriptor, std::vector<Descriptor>* received,
                                     int seconds) {
  const auto closed = [this](const Error& error) {
    // What comes late would be taken for the answer to the next question.
    socket_.close();
    const bool gone = error.code == ErrorCode::Reset || error.code == ErrorCode::Closed;
    return fail(gone ? Error{ErrorCode::Closed, "loam-guard went away"} : error);
  };
  if (!socket_) return fail(ErrorCode::Closed, "the line to loam-guard is closed");
  const timeval patience{seconds, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::vector<int> descriptors;
  if (descriptor >= 0) descriptors.push_back(descriptor);
  const Status sent = unix_socket::send(socket_.get(), request, descriptors);
  if (!sent && sent.error().code != ErrorCode::Reset) return closed(sent.error());
  // A guard that turned this client away has said why before it hung up.
  std::string body;
  for (;;) {
    std::vector<Descriptor> came;
    const auto packet = unix_socket::receive(socket_.get(), came);
    if (!packet) return closed(packet.error());
    if (received) {
      for (Descriptor& one : came) received->push_back(std::move(one));
    }
    const auto whole = protocol::collect(*packet, body);
    if (!whole) return fail(whole.error());
    if (*whole) return body;
  }
}

Result<Listeners> GuardClient::attach(unsigned workers, int heartbeats, CaptureTerms& terms) {
  std::vector<Descriptor> received;
  const auto body = ask(protocol::encode(protocol::Attach{static_cast<std::uint16_t>(workers)}), heartbeats, &received);
  if (!body) return fail(body.error());
  const auto attached = protocol::decodeAttached(*body);
  if (!attached) return fail(attached.error());
  if (received.size() != std::size_t{attached->outbound} + attached->inbound) {
    return fail(ErrorCode::Protocol, "loam-guard sent another number of listeners than it said");
  }
  terms = attached->terms;
  Listeners listeners;
  for (std::size_t i = 0; i < received.size(); ++i) {
    (i < attached->outbound ? listeners.outbound : listeners.inbound).push_back(std::move(received[i]));
  }
  return listeners;
}

Status GuardClient::engage() {
  const auto body = ask(protocol::encode(protocol::Engage{}), -1, nullptr);
  if (!body) return fail(body.error());
  return {};
}

Result<Departure> GuardClient::release(bool handOver) {
  const auto body = ask(protocol::encode(protocol::Release{handOver}), -1, nullptr, 10);
  if (!body) return fail(body.error());
  return protocol::decodeDeparture(*body);
}

Status GuardClient::bypass(const SocketAddress& destination, unsigned forSeconds) {
  const auto body = ask(protocol::encode(protocol::Bypass{destination, forSeconds}), -1, nullptr);
  if (!body) return fail(body.error());
  return {};
}

Result<bool> GuardClient::keepClosed(const std::vector<ClosedEndpoint>& endpoints) {
  const auto ways = closedWays(endpoints);
  if (!ways) return fail(ways.error());
  std::string body;
  for (std::size_t from = 0; from == 0 || from < ways->size(); from += protocol::kMostWaysAtOnce) {
    const std::size_t to = std::min(ways->size(), from + protocol::kMostWaysAtOnce);
    const auto at = [&](std::size_t index) { return ways->begin() + static_cast<std::ptrdiff_t>(index); };
    const protocol::KeepClosed part{{at(from), at(to)}, to < ways->size()};
    const auto answered = ask(protocol::encode(part), -1, nullptr, kRulesSeconds);
    if (!answered) return fail(answered.error());
    body = *answered;
  }
  return protocol::decodeHolds(body);
}

Result<HostFacts> GuardClient::facts() {
  const auto body = ask(protocol::encode(protocol::Facts{}), -1, nullptr, 10);
  if (!body) return fail(body.error());
  return protocol::decodeFacts(*body);
}

Result<std::string> GuardClient::applyCapture(const CaptureSettings& settings, bool dryRun) {
  return ask(protocol::encode(protocol::Apply{settings, dryRun}), -1, nullptr);
}

Result<CaptureView> GuardClient::showCapture() {
  const auto body = ask(protocol::encode(protocol::Show{}), -1, nullptr);
  if (!body) return fail(body.error());
  return protocol::decodeView(*body);
}

Result<Removal> GuardClient::removeCapture(bool now) {
  const auto body = ask(protocol::encode(protocol::Remove{now}), -1, nullptr);
  if (!body) return fail(body.error());
  return protocol::decodeRemoval(*body);
}

}  // namespace loam::guard
