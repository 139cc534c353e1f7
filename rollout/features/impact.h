#pragma once

#include <json/value.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "rollout/features/feature.h"
#include "shadow/record/calls.h"

namespace loam::features {

/// How many, as far as the record tells: exact where both are the same.
struct Bounds {
  std::uint64_t least = 0;
  std::uint64_t most = 0;

  static Bounds exactly(std::uint64_t count) { return {count, count}; }
  static Bounds upTo(std::uint64_t count) { return {0, count}; }
  bool isExact() const { return least == most; }
  Bounds& operator+=(Bounds other);
  bool operator==(const Bounds&) const = default;
};

/// What a number is of.
enum class Counted : std::uint8_t {
  Exchanges,
  Connections,
  Intervals,  ///< buckets of the record in which a caller called an endpoint
};
/// "exchanges", "connections", "intervals".
std::string_view name(Counted counted);

/// What a change would do to one caller, by one rule of its settings.
struct Affected {
  std::string caller;
  std::string rule;  ///< a rule, a limit or a bound; empty: none would affect it
  Counted counted = Counted::Exchanges;
  std::uint64_t all = 0;  ///< of this caller in the window
  Bounds affected;
  std::string why;

  bool operator==(const Affected&) const = default;
};

/// What the record does not hold, and which part of the answer that leaves open.
struct Unknown {
  std::string what;  ///< "rule no-admin"
  std::string why;

  auto operator<=>(const Unknown&) const = default;
};

/// A setting that the record suggests, and what it would have done.
struct Proposal {
  std::string setting;  ///< "request"
  std::string value;    ///< as the setting is written
  std::uint64_t all = 0;
  Bounds affected;
  std::string why;

  bool operator==(const Proposal&) const = default;
};

/// What the feature's proxies counted in the window, simulated or enforced.
struct CountedVerdicts {
  std::string caller;
  std::string rule;
  bool enforced = false;
  std::uint64_t count = 0;
  std::int64_t last = 0;  ///< unix seconds

  bool operator==(const CountedVerdicts&) const = default;
};

/// What a stage of a feature would have done to the traffic of a window.
struct Impact {
  std::vector<Affected> rows;  ///< of every caller, the most affected first
  /// No exchange or connection is in two rows of one caller; else rows overlap, as those of two timeouts do.
  bool apart = true;
  std::vector<Unknown> unknown;
  std::vector<Proposal> proposals;
  std::vector<std::string> notes;
  std::vector<CountedVerdicts> verdicts;

  /// Over all callers.
  struct Total {
    Counted counted = Counted::Exchanges;
    std::uint64_t all = 0;
    Bounds affected;

    bool operator==(const Total&) const = default;
  };
  std::vector<Total> totals() const;
  /// "some": somebody would be affected; "possible": the record cannot rule it out; "unknown": it does not hold what
  /// would tell; "none".
  std::string_view verdict() const;
};

/// A stage that is asked about, and what there is to answer from.
struct Question {
  std::string_view stage;
  const Json::Value& settings;              ///< good ones
  const std::vector<std::string>& exclude;  ///< for whom the stage will not hold; sorted
  const record::Traffic& traffic;
  const ReadGround& ground;  ///< what a rise would stand on
};

/// Asks the feature's own impact(), and says what holds of all features: that a stage beside the relay affects nobody,
/// whom the flag excludes, what the proxies counted. Pure but for the ground.
Impact impactOf(const Feature& feature, const Stage& stage, const Question& question);

/// Adds up what is affected, by caller and rule.
class Tables {
 public:
  /// So many more of the caller, affected or not.
  void saw(const std::string& caller, Counted counted, std::uint64_t count) { all_[{caller, counted}] += count; }
  void affects(const std::string& caller, Counted counted, const std::string& rule, Bounds bounds,
               const std::string& why = {});
  void cannotTell(std::string what, std::string why) { unknown_.insert({std::move(what), std::move(why)}); }
  /// Rows of everybody who was seen, those of no rule too; no more is affected than was seen.
  Impact finish() &&;

 private:
  struct Part {
    Bounds affected;
    std::set<std::string> whys;
  };
  std::map<std::pair<std::string, Counted>, std::uint64_t> all_;
  std::map<std::tuple<std::string, Counted, std::string>, Part> parts_;
  std::set<Unknown> unknown_;
};

// Feature::impact of each, in the files of their names.
Impact serveImpact(const Question& question);
Impact mtlsImpact(const Question& question);
Impact policyImpactOn(const Question& question);
Impact rateLimitImpact(const Question& question);
Impact balancingImpact(const Question& question);
Impact routingImpact(const Question& question);
Impact timeoutsImpact(const Question& question);
Impact retriesImpact(const Question& question);
Impact circuitBreakingImpact(const Question& question);
Impact faultImpact(const Question& question);

}  // namespace loam::features
