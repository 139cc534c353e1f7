#include "rollout/features/impact.h"

#include <algorithm>

namespace loam::features {

namespace {

std::string joined(const std::set<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out.append(out.empty() ? "" : ", ").append(text);
  return out;
}

/// A share that is of callers leaves these out whatever it is.
void leaveOut(const Stage& stage, const std::vector<std::string>& exclude, Impact& impact) {
  if (stage.unit != Unit::Source && stage.unit != Unit::SourceIdentity) return;
  for (Affected& row : impact.rows) {
    if (row.affected.most == 0 || !std::binary_search(exclude.begin(), exclude.end(), row.caller)) continue;
    row.affected = {};
    row.why = "excluded: the stage does not hold for it";
  }
}

std::vector<CountedVerdicts> countedBy(std::string_view feature, const std::vector<record::ServiceVerdict>& verdicts) {
  std::map<std::tuple<std::string, std::string, bool>, CountedVerdicts> sums;
  for (const auto& [caller, verdict] : verdicts) {
    if (verdict.feature != feature) continue;
    CountedVerdicts& sum = sums[{caller, verdict.rule, verdict.enforced}];
    std::tie(sum.caller, sum.rule, sum.enforced) = std::tie(caller, verdict.rule, verdict.enforced);
    sum.count += verdict.count;
    sum.last = std::max(sum.last, verdict.last);
  }
  std::vector<CountedVerdicts> out;
  for (auto& [key, sum] : sums) out.push_back(std::move(sum));
  return out;
}

}  // namespace

Bounds& Bounds::operator+=(Bounds other) {
  least += other.least;
  most += other.most;
  return *this;
}

std::string_view name(Counted counted) {
  switch (counted) {
    case Counted::Exchanges:
      return "exchanges";
    case Counted::Connections:
      return "connections";
    case Counted::Intervals:
      return "intervals";
  }
  return "";
}

std::vector<Impact::Total> Impact::totals() const {
  std::map<std::pair<Counted, std::string>, Total> byCaller;
  for (const Affected& row : rows) {
    Total& caller = byCaller[{row.counted, row.caller}];
    caller.all = row.all;
    caller.affected.most = std::min(row.all, caller.affected.most + row.affected.most);
    caller.affected.least =
        apart ? caller.affected.least + row.affected.least : std::max(caller.affected.least, row.affected.least);
  }
  std::map<Counted, Total> sums;
  for (const auto& [key, caller] : byCaller) {
    Total& sum = sums[key.first];
    sum.counted = key.first;
    sum.all += caller.all;
    sum.affected += caller.affected;
  }
  std::vector<Total> out;
  for (const auto& [counted, sum] : sums) out.push_back(sum);
  return out;
}

std::string_view Impact::verdict() const {
  const auto any = [this](auto&& fits) { return std::any_of(rows.begin(), rows.end(), fits); };
  // A rule that fits a connection of before the window affects it, though it opened none within.
  if (any([](const Affected& row) { return row.affected.least > 0; })) return "some";
  if (any([](const Affected& row) { return row.affected.most > 0; })) return "possible";
  return unknown.empty() ? "none" : "unknown";
}

Impact impactOf(const Feature& feature, const Stage& stage, const Question& question) {
  Impact impact;
  if (stage.name == "off" || stage.beside || feature.impact == nullptr) {
    const std::string named = std::string(feature.name) + " " + std::string(stage.name);
    impact.notes.push_back(stage.name == "off" ? named + " does nothing to anybody"
                                               : named + " works beside the relay: it affects nobody");
  } else {
    impact = feature.impact(question);
    leaveOut(stage, question.exclude, impact);
  }
  impact.verdicts = countedBy(feature.name, question.traffic.calls.verdicts);
  std::stable_sort(impact.rows.begin(), impact.rows.end(),
                   [](const Affected& a, const Affected& b) { return a.affected.most > b.affected.most; });
  return impact;
}

void Tables::affects(const std::string& caller, Counted counted, const std::string& rule, Bounds bounds,
                     const std::string& why) {
  all_.try_emplace({caller, counted}, 0);
  Part& part = parts_[{caller, counted, rule}];
  part.affected += bounds;
  if (!why.empty()) part.whys.insert(why);
}

Impact Tables::finish() && {
  Impact impact;
  std::set<std::pair<std::string, Counted>> ruled;
  for (const auto& [key, part] : parts_) {
    const auto& [caller, counted, rule] = key;
    const std::uint64_t all = all_.at({caller, counted});
    const Bounds within{std::min(part.affected.least, all), std::min(part.affected.most, all)};
    impact.rows.push_back({caller, rule, counted, all, within, joined(part.whys)});
    ruled.insert({caller, counted});
  }
  for (const auto& [key, all] : all_) {
    if (!ruled.contains(key)) impact.rows.push_back({key.first, "", key.second, all, {}, ""});
  }
  impact.unknown.assign(unknown_.begin(), unknown_.end());
  return impact;
}

}  // namespace loam::features
