#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"

namespace loam::server {

/// How far this host's clock is ahead of the controller's, as the Date of each of its answers tells (D8): certificates
/// are judged by this host's clock, and the record goes by it. Said in the log when it is more than wire::kMostSkew,
/// and when it is no more. Measured on one thread, read by any.
class ClockSkew {
 public:
  ClockSkew(const Clock& clock, Log& log) : clock_(clock), log_(log) {}

  /// `date`: of an answer that came this moment; one that is no date says nothing.
  void measure(std::string_view date);
  /// Seconds, negative when behind; nothing before the first answer.
  std::optional<std::int64_t> ahead() const;

 private:
  static constexpr std::int64_t kUnknown = INT64_MIN;

  const Clock& clock_;
  Log& log_;
  bool off_ = false;
  std::atomic<std::int64_t> ahead_{kUnknown};
};

}  // namespace loam::server
