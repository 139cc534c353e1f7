#include "rollout/audit/chain.h"

namespace loam::audit {

Status Chain::follow(const Event& event) {
  const std::string expected = std::to_string(sequence_ + 1);
  if (event.sequence != sequence_ + 1)
    return fail(ErrorCode::Conflict,
                "audit event " + std::to_string(event.sequence) + " stands where event " + expected + " should");
  if (event.previous != hash_)
    return fail(ErrorCode::Conflict, "audit event " + expected + " does not follow from the one before it");
  const std::string hash = hashOf(event);
  if (event.hash != hash)
    return fail(ErrorCode::Conflict, "audit event " + expected + " is not what was written: its hash would be " + hash);
  sequence_ = event.sequence;
  hash_ = hash;
  return {};
}

}  // namespace loam::audit
