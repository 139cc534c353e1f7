#include "proxy/filters/mtls.h"

#include "rollout/features/parts.h"

namespace loam::features {

namespace {

constexpr Stage kLadder[] = {
    kOff,
    {.name = "observe", .beside = true, .capability = "mtls.observe"},
    {.name = "permissive", .unit = Unit::Instance, .capability = "mtls.permissive"},
    {.name = "prefer", .unit = Unit::Source, .capability = "mtls.prefer"},
    {.name = "strict", .unit = Unit::SourceIdentity, .capability = "mtls.strict"},
};

}  // namespace

/// Servers accept first, then callers offer, then plaintext ends.
Feature mtls() {
  return {.name = "mtls",
          .summary = "encrypts and proves both ends, between proxies",
          .acts = "both ends",
          .ladder = kLadder,
          .stepwise = true,
          .settings = settingsOf<filters::MtlsSettings>,
          .complete = completeOf<filters::MtlsSettings>,
          .outline = filters::outline<filters::MtlsSettings>,
          .needs = needsNothing};
}

}  // namespace loam::features
