#pragma once

#include <cstdint>
#include <string>

#include "proxy/base/result.h"
#include "rollout/audit/event.h"

namespace loam::audit {

/// Follows the audit log from event to event, from its first one or from any that is known to be good.
class Chain {
 public:
  explicit Chain(std::uint64_t sequence = 0, std::string hash = std::string(kNoHash))
      : sequence_(sequence), hash_(std::move(hash)) {}

  /// Goes on by one event. Conflict says why it does not follow; the chain stays where it was.
  Status follow(const Event& event);

  /// Of the last event that followed.
  std::uint64_t sequence() const { return sequence_; }
  const std::string& hash() const { return hash_; }

 private:
  std::uint64_t sequence_;
  std::string hash_;
};

}  // namespace loam::audit
