#include "proxy/server/live_connections.h"

#include <utility>

#include "proxy/relay/reset.h"

namespace loam::server {

LiveConnection::LiveConnection(LiveConnections& all, const relay::ConnectionFacts& facts, Monotonic since)
    : all_(all), facts_(facts), since_(since), before_(all.last_) {
  (before_ != nullptr ? before_->after_ : all_.first_) = this;
  all_.last_ = this;
  ++all_.size_;
}

LiveConnection::~LiveConnection() {
  (before_ != nullptr ? before_->after_ : all_.first_) = after_;
  (after_ != nullptr ? after_->before_ : all_.last_) = before_;
  --all_.size_;
  stay();
}

LiveConnection::Standing& LiveConnection::standing() {
  if (!standing_) standing_ = std::make_unique<Standing>();
  return *standing_;
}

void LiveConnection::admitted(io::Socket& downstream, filter::Holds holds) {
  downstream_ = &downstream;
  if (!holds.empty()) standing().holds = std::move(holds);
}

void LiveConnection::leave(filter::Notice notice, Monotonic now) {
  if (!isLeaving()) {
    standing().since = now;
    ++all_.leaving_;
  }
  standing().notice = std::move(notice);
}

void LiveConnection::stay() {
  if (!isLeaving()) return;
  --all_.leaving_;
  standing_->notice.reset();
}

void LiveConnection::close() {
  standing().isClosed = true;
  if (downstream_ != nullptr) relay::cut(*downstream_);
}

std::vector<ConnectionSummary> LiveConnections::list(std::size_t most) const {
  std::vector<ConnectionSummary> out;
  for (const LiveConnection* live = first_; live != nullptr && out.size() < most; live = live->after_) {
    io::Identity peer;
    if (live->secured_ != nullptr) peer = live->secured_->peerIdentity();
    out.push_back({live->facts_, live->since_, live->progress_.upstreamBytes, live->progress_.downstreamBytes,
                   std::move(peer.id), std::move(peer.serial)});
  }
  return out;
}

void LiveConnections::visitSecured(const std::function<void(tls::Stream&)>& look) const {
  for (const LiveConnection* live = first_; live != nullptr; live = live->after_) {
    if (live->secured_ != nullptr) look(*live->secured_);
  }
}

void LiveConnections::visitAdmitted(const std::function<void(LiveConnection&)>& look) const {
  for (LiveConnection* live = first_; live != nullptr; live = live->after_) {
    if (live->downstream_ != nullptr) look(*live);
  }
}

void LiveConnections::visitSimulations(const std::function<void(Simulation&)>& look) const {
  for (const LiveConnection* live = first_; live != nullptr; live = live->after_) {
    if (live->simulation_ != nullptr) look(*live->simulation_);
  }
}

std::size_t LiveConnections::countOther(std::uint64_t generation) const {
  std::size_t count = 0;
  for (const LiveConnection* live = first_; live != nullptr; live = live->after_) {
    if (live->facts_.generation != generation) ++count;
  }
  return count;
}

}  // namespace loam::server
