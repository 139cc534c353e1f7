#include <set>

#include "proxy/filters/serve.h"
#include "rollout/features/impact.h"
#include "rollout/features/parts.h"
#include "rollout/features/recorded.h"

namespace loam::features {

namespace {

/// A connection on which nobody said a word speaks no other protocol; of opaque ones only the sum of bytes is known.
Bounds otherwise(const record::Usage& usage) {
  const wire::Counts& counts = usage.tally.counts;
  if (usage.protocol != "tcp") return Bounds::exactly(counts.connections);
  return Bounds::upTo(counts.bytesSent + counts.bytesReceived == 0 ? 0 : counts.connections);
}

}  // namespace

/// A port that HTTP/1 is spoken on is pinned to it; what else comes there is a mismatch. Other ports stay relayed.
Impact serveImpact(const Question& question) {
  const auto settings = typed<filters::ServeSettings>(question.settings);
  std::set<std::uint16_t> pinned;
  for (const record::Usage& usage : question.traffic.usages) {
    if (isServed(usage.protocol) && usage.tally.counts.requests != 0) pinned.insert(usage.call.destination.port);
  }
  const bool refuses = settings.onMismatch == filters::ServeSettings::Mismatch::Refuse;
  Tables tables;
  Bounds others;
  std::uint64_t all = 0;
  std::set<std::string> protocols;
  for (const record::Usage& usage : question.traffic.usages) {
    const std::uint64_t connections = usage.tally.counts.connections;
    tables.saw(usage.call.caller, Counted::Connections, connections);
    all += connections;
    if (isServed(usage.protocol)) continue;
    protocols.insert(usage.protocol);
    others += otherwise(usage);
    if (!refuses || !pinned.contains(usage.call.destination.port)) continue;
    tables.affects(usage.call.caller, Counted::Connections, "on_mismatch", otherwise(usage),
                   usage.protocol + " on port " + std::to_string(usage.call.destination.port));
  }
  if (!pinned.empty())
    tables.cannotTell("the strict codec", "it keeps no heads: what the codec would reject only simulate counts");
  Impact impact = std::move(tables).finish();
  std::string seen;
  for (const std::string& protocol : protocols) seen.append(seen.empty() ? "" : ", ").append(protocol);
  if (!seen.empty()) {
    const std::string count = others.isExact() ? "" : std::to_string(others.least) + " to ";
    impact.notes.push_back(count + std::to_string(others.most) + " of " + std::to_string(all) +
                           " connections speak no HTTP/1 (" + seen + ")" + (refuses ? "" : ": they stay relayed"));
  }
  if (pinned.empty()) impact.notes.emplace_back("nobody spoke HTTP/1 to it: nothing would be served");
  return impact;
}

}  // namespace loam::features
