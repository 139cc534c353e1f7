#include "rollout/features/mtls_readiness.h"

#include <algorithm>

namespace loam::features {

namespace {

constexpr std::size_t kMostNamed = 5;

/// "a, b and 3 more".
std::string listed(const std::vector<std::string>& names, const char* between) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) text += (i == 0 ? "" : between) + names[i];
  if (names.size() > kMostNamed) text += " and " + std::to_string(names.size() - kMostNamed) + " more";
  return text;
}

CallerStanding standingOf(const CallerRecord& record, std::int64_t now, std::int64_t window, bool excluded) {
  CallerStanding standing{record, 0, false, ""};
  if (excluded) {
    standing.why = "excluded: it may go on in plaintext";
  } else if (record.lastPlaintext && now - *record.lastPlaintext <= window) {
    standing.blocks = true;
    standing.why = "plaintext within " + lengthText(window);
  } else if (record.lastPlaintext && (record.lastSeen <= *record.lastPlaintext || record.mutual == 0)) {
    standing.blocks = true;
    standing.why =
        record.firstSeen == record.lastSeen ? "recorded once, in plaintext" : "not heard of since its last plaintext";
  }
  return standing;
}

}  // namespace

std::string lengthText(std::int64_t seconds) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (seconds >= kDay && seconds % kDay == 0) return std::to_string(seconds / kDay) + "d";
  if (seconds >= 2 * kDay) return std::to_string((seconds + kDay - 1) / kDay) + "d";
  if (seconds >= kHour) return std::to_string((seconds + kHour - 1) / kHour) + "h";
  if (seconds >= kMinute) return std::to_string((seconds + kMinute - 1) / kMinute) + "m";
  return std::to_string(seconds) + "s";
}

MtlsReadiness readinessOf(const Ground& ground, std::int64_t window, const std::vector<std::string>& exclude) {
  MtlsReadiness readiness;
  readiness.window = window;
  readiness.missing = ground.missing;
  std::uint64_t all = 0;
  for (const CallerRecord& caller : ground.callers) all += caller.connections;
  for (const CallerRecord& caller : ground.callers) {
    const bool excluded = std::binary_search(exclude.begin(), exclude.end(), caller.name);
    const std::int64_t own = std::max(window, caller.gap);
    CallerStanding standing = standingOf(caller, ground.now, own, excluded);
    if (!excluded) readiness.window = std::max(readiness.window, own);
    if (all != 0) standing.share = static_cast<double>(caller.connections) / static_cast<double>(all);
    if (standing.blocks) ++readiness.blocking;
    readiness.callers.push_back(std::move(standing));
  }
  std::stable_sort(readiness.callers.begin(), readiness.callers.end(),
                   [](const CallerStanding& a, const CallerStanding& b) {
                     return a.blocks != b.blocks ? a.blocks : a.record.connections > b.record.connections;
                   });
  if (ground.callers.empty()) readiness.missing.emplace_back("the record knows no caller");
  if (ground.since == 0 || ground.now - ground.since < readiness.window) {
    const std::int64_t known = ground.since == 0 ? 0 : std::max<std::int64_t>(ground.now - ground.since, 0);
    readiness.missing.push_back("the record reaches back " + lengthText(known) + " of " + lengthText(readiness.window));
  }
  return readiness;
}

std::uint32_t MtlsReadiness::percent() const {
  if (callers.empty()) return 100;
  return static_cast<std::uint32_t>((callers.size() - blocking) * 100 / callers.size());
}

std::string MtlsReadiness::whoBlocks() const {
  std::vector<std::string> names;
  for (const CallerStanding& caller : callers) {
    if (caller.blocks) names.push_back(caller.record.name + " (" + caller.why + ")");
  }
  return listed(names, ", ");
}

std::string instancesAgainst(const Ground& ground) {
  if (ground.instances.empty()) return "the record knows no instance of it";
  std::vector<std::string> against;
  for (const InstanceRecord& instance : ground.instances) {
    for (const std::string& one : instance.against) against.push_back(instance.address + ": " + one);
  }
  return listed(against, "; ");
}

}  // namespace loam::features
