#include "proxy/filters/mtls.h"

#include "rollout/features/impact.h"
#include "rollout/features/mtls_readiness.h"
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

Check held(std::string_view stage, const Rise& rise) {
  const bool above = rise.from == "strict" || (rise.from == "prefer" && stage == "permissive");
  const bool met = above || (rise.from == stage && rise.fromWhole);
  return {std::string(stage) + " at 100 %", met, met ? "" : "it is " + std::string(rise.from) + " and not for all"};
}

/// A caller that prefers dials TLS only where it is taken; a strict one nowhere else.
std::vector<Check> checks(const Rise& rise, const ReadGround& read) {
  if (rise.to != "prefer" && rise.to != "strict") return {};
  const Ground ground = read();
  const std::string against = instancesAgainst(ground);
  std::vector<Check> all{held(rise.to == "strict" ? "prefer" : "permissive", rise),
                         {"every instance acknowledged", against.empty(), against}};
  if (rise.to != "strict") return all;
  const auto window = typed<filters::MtlsSettings>(rise.settings).plaintextWindow;
  const auto readiness =
      readinessOf(ground, std::chrono::duration_cast<std::chrono::seconds>(window).count(), rise.exclude);
  all.push_back({"no plaintext from any caller", readiness.isReady(), readiness.whoBlocks()});
  return all;
}

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
          .needs = needsNothing,
          .checks = checks,
          .impact = mtlsImpact};
}

}  // namespace loam::features
