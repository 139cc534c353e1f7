#include <algorithm>

#include "proxy/filters/mtls.h"
#include "proxy/relay/security.h"
#include "rollout/features/impact.h"
#include "rollout/features/mtls_readiness.h"
#include "rollout/features/parts.h"

namespace loam::features {

namespace {

bool isPlaintext(const record::Usage& usage) {
  const auto security = relay::securityOf(usage.security);
  if (!security) return true;
  return security->state != relay::Security::State::Mutual && security->state != relay::Security::State::Local;
}

/// Connections that came to be: the refused ones were of no kind.
std::uint64_t openedOf(const wire::Counts& counts) {
  return counts.connections - std::min(counts.connections, counts.failedConnections);
}

}  // namespace

/// Only strict refuses anybody. What it refuses of the window is counted here; who may come in plaintext after it is
/// readiness, which looks at the whole record.
Impact mtlsImpact(const Question& question) {
  Tables tables;
  const bool isStrict = question.stage == "strict";
  for (const record::Usage& usage : question.traffic.usages) {
    const std::uint64_t opened = openedOf(usage.tally.counts);
    tables.saw(usage.call.caller, Counted::Connections, opened);
    if (!isStrict || !isPlaintext(usage)) continue;
    tables.affects(usage.call.caller, Counted::Connections, "plaintext", Bounds::exactly(opened),
                   usage.security.empty() ? "nobody looked" : usage.security);
  }
  Impact impact = std::move(tables).finish();
  if (!isStrict) {
    impact.notes.push_back(std::string(question.stage) + " refuses nobody: plaintext is still taken");
    return impact;
  }
  const auto window = typed<filters::MtlsSettings>(question.settings).plaintextWindow;
  const MtlsReadiness readiness = readinessOf(
      question.ground(), std::chrono::duration_cast<std::chrono::seconds>(window).count(), question.exclude);
  const std::string blocking = readiness.whoBlocks();
  impact.notes.push_back("by the whole record " + std::to_string(readiness.percent()) + " % of the callers are ready" +
                         (blocking.empty() ? "" : ", and not " + blocking));
  impact.notes.push_back("loam readiness " + question.traffic.calls.service + " mtls --to strict tells more of that");
  return impact;
}

}  // namespace loam::features
