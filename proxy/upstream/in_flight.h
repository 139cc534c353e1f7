#pragma once

#include <memory>
#include <optional>

#include "proxy/upstream/ejection.h"

namespace loam::upstream {

/// An exchange that is under way with an endpoint: counted there from begin() to its end, when it says how it went. One
/// that goes without a word (the client left) says nothing of the endpoint. One thread at a time.
class InFlight {
 public:
  /// None.
  InFlight() = default;
  /// Of Balancer::begin(). `ejection`: null where nobody is ejected.
  InFlight(std::shared_ptr<EndpointState> endpoint, std::shared_ptr<const Ejection> ejection, Monotonic now);
  InFlight(InFlight&& other) noexcept;
  InFlight& operator=(InFlight&& other) noexcept;
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  ~InFlight() { end(); }

  /// The head of the final answer has come: so long it took. `failure`: what its status says (failureOf).
  void answered(Monotonic now, std::optional<Failure> failure = {});
  /// No answer, or one that broke off; also after answered().
  void failed(Monotonic now, Failure failure);
  /// It is over, and what was said is counted. Done by itself when it goes.
  void end();

  bool isProbe() const { return probe_ != 0; }
  explicit operator bool() const { return endpoint_ != nullptr; }

 private:
  void settleProbe(std::optional<Failure> failure, Monotonic now);

  std::shared_ptr<EndpointState> endpoint_;
  std::shared_ptr<const Ejection> ejection_;
  Monotonic began_{};
  Monotonic said_{};
  std::optional<Failure> failure_;
  std::int64_t probe_ = 0;
  bool heard_ = false;  // something was said
};

}  // namespace loam::upstream
