#include "rollout/features/mtls_readiness.h"

#include <algorithm>

namespace loam::features {

namespace {

constexpr std::size_t kMostNamed = 5;

/// How long callers have to be without plaintext, in seconds.
struct Terms {
  std::int64_t now = 0;     ///< unix seconds
  std::int64_t window = 0;  ///< as the setting says
  std::int64_t period = 0;  ///< the longest gap between two calls of any caller
};

/// Of a caller that has not come by TLS since its plaintext nobody knows how it will come: for as long as the slowest
/// caller needs to show itself it is waited for beyond the window.
CallerStanding standingOf(const CallerRecord& record, const Terms& terms, bool excluded) {
  CallerStanding standing{record, 0, false, ""};
  if (excluded) {
    standing.why = "excluded: it may go on in plaintext";
    return standing;
  }
  if (!record.lastPlaintext) return standing;
  const std::int64_t ago = terms.now - *record.lastPlaintext;
  const std::int64_t own = std::max(terms.window, record.gap);
  const bool isSilent = record.lastSeen <= *record.lastPlaintext || record.mutual == 0;
  standing.blocks = ago <= (isSilent ? own + terms.period : own);
  if (ago <= own) {
    standing.why = "plaintext within " + lengthText(own);
  } else if (isSilent) {
    standing.why =
        record.firstSeen == record.lastSeen ? "recorded once, in plaintext" : "not heard of since its last plaintext";
    if (!standing.blocks) standing.why.append(", " + lengthText(ago) + " ago: it counts as gone");
  }
  return standing;
}

}  // namespace

std::string listed(const std::vector<std::string>& names, const char* between) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) text += (i == 0 ? "" : between) + names[i];
  if (names.size() > kMostNamed) text += " and " + std::to_string(names.size() - kMostNamed) + " more";
  return text;
}

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
  Terms terms{ground.now, window, 0};
  const auto isExcluded = [&exclude](const CallerRecord& caller) {
    return std::binary_search(exclude.begin(), exclude.end(), caller.name);
  };
  for (const CallerRecord& caller : ground.callers) {
    all += caller.connections;
    if (!isExcluded(caller)) terms.period = std::max(terms.period, caller.gap);
  }
  readiness.window = std::max(window, terms.period);
  for (const CallerRecord& caller : ground.callers) {
    CallerStanding standing = standingOf(caller, terms, isExcluded(caller));
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
