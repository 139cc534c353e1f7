#include "proxy/upstream/in_flight.h"

#include <utility>

namespace loam::upstream {

namespace {

/// What a failure adds to the time that it took: an endpoint that fails at once would look like the fastest, and draw
/// everybody. That an application fails by itself is no sign of that.
nanoseconds penaltyOf(std::optional<Failure> failure) {
  return failure && *failure != Failure::ServerError ? nanoseconds(seconds(1)) : nanoseconds(0);
}

}  // namespace

InFlight::InFlight(std::shared_ptr<EndpointState> endpoint, std::shared_ptr<const Ejection> ejection, Monotonic now)
    : endpoint_(std::move(endpoint)), ejection_(std::move(ejection)), began_(now), said_(now) {
  endpoint_->begin();
  if (ejection_) probe_ = endpoint_->takeProbe(now, ejection_->terms().base);
}

InFlight::InFlight(InFlight&& other) noexcept
    : endpoint_(std::move(other.endpoint_)),
      ejection_(std::move(other.ejection_)),
      began_(other.began_),
      said_(other.said_),
      failure_(other.failure_),
      probe_(std::exchange(other.probe_, 0)),
      heard_(other.heard_) {}

InFlight& InFlight::operator=(InFlight&& other) noexcept {
  if (this == &other) return *this;
  end();
  endpoint_ = std::move(other.endpoint_);
  ejection_ = std::move(other.ejection_);
  began_ = other.began_;
  said_ = other.said_;
  failure_ = other.failure_;
  probe_ = std::exchange(other.probe_, 0);
  heard_ = other.heard_;
  return *this;
}

void InFlight::answered(Monotonic now, std::optional<Failure> failure) {
  if (!endpoint_) return;
  endpoint_->latency().observe(now - began_ + penaltyOf(failure), now);
  said_ = now;
  failure_ = failure;
  heard_ = true;
  settleProbe(failure, now);
}

void InFlight::failed(Monotonic now, Failure failure) {
  if (!endpoint_) return;
  if (!heard_) endpoint_->latency().observe(now - began_ + penaltyOf(failure), now);
  said_ = now;
  failure_ = failure;
  heard_ = true;
  settleProbe(failure, now);
}

/// At once: an answer may take an hour to come whole, and all that time the endpoint would be out.
void InFlight::settleProbe(std::optional<Failure> failure, Monotonic now) {
  if (std::exchange(probe_, 0) != 0) ejection_->onProbe(*endpoint_, failure, now);
}

void InFlight::end() {
  if (!endpoint_) return;
  const auto endpoint = std::exchange(endpoint_, nullptr);
  const auto ejection = std::exchange(ejection_, nullptr);
  endpoint->end();
  if (const std::int64_t probe = std::exchange(probe_, 0)) endpoint->giveBackProbe(probe);
  if (heard_ && ejection) ejection->onOutcome(*endpoint, failure_, said_);
}

}  // namespace loam::upstream
