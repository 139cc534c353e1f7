#include "rollout/api/impact_view.h"

#include <algorithm>

#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using graph::rfc3339;

void put(Json::Value& out, const features::Bounds& bounds, std::uint64_t all) {
  out["all"] = Json::UInt64(all);
  out["least"] = Json::UInt64(bounds.least);
  out["most"] = Json::UInt64(bounds.most);
  out["exact"] = bounds.isExact();
}

Json::Value entry(const features::Affected& row) {
  Json::Value out(Json::objectValue);
  out["caller"] = row.caller;
  out["rule"] = row.rule;
  out["counted"] = std::string(name(row.counted));
  put(out, row.affected, row.all);
  out["why"] = row.why;
  return out;
}

Json::Value entry(const features::Impact::Total& total) {
  Json::Value out(Json::objectValue);
  out["counted"] = std::string(name(total.counted));
  put(out, total.affected, total.all);
  return out;
}

Json::Value entry(const features::CountedVerdicts& sum) {
  Json::Value out(Json::objectValue);
  out["caller"] = sum.caller;
  out["rule"] = sum.rule;
  out["enforced"] = sum.enforced;
  out["count"] = Json::UInt64(sum.count);
  out["last"] = rfc3339(sum.last);
  return out;
}

Json::Value entry(const features::Unknown& unknown) {
  Json::Value out(Json::objectValue);
  out["what"] = unknown.what;
  out["why"] = unknown.why;
  return out;
}

Json::Value entry(const features::Proposal& proposal) {
  Json::Value out(Json::objectValue);
  out["setting"] = proposal.setting;
  out["value"] = proposal.value;
  put(out, proposal.affected, proposal.all);
  out["why"] = proposal.why;
  return out;
}

Json::Value entry(const std::string& text) { return text; }

template <class T>
Json::Value listOf(const std::vector<T>& items) {
  Json::Value out(Json::arrayValue);
  for (const T& item : items) out.append(entry(item));
  return out;
}

}  // namespace

Json::Value view(const features::Impact& impact) {
  Json::Value out(Json::objectValue);
  out["verdict"] = std::string(impact.verdict());
  out["totals"] = listOf(impact.totals());
  out["rows"] = listOf(impact.rows);
  out["verdicts"] = listOf(impact.verdicts);
  out["unknown"] = listOf(impact.unknown);
  out["proposals"] = listOf(impact.proposals);
  out["notes"] = listOf(impact.notes);
  return out;
}

Json::Value recordView(const graph::Header& header) {
  Json::Value out(Json::objectValue);
  std::int64_t since = 0;
  std::int64_t until = 0;
  double observed = 0;
  const auto length = static_cast<double>(header.window.to - header.window.from);
  for (const graph::Coverage& proxy : header.coverage) {
    since = since == 0 ? proxy.firstReport : std::min(since, proxy.firstReport);
    until = std::max(until, proxy.lastReport);
    const std::int64_t known = header.window.to - std::max(header.window.from, proxy.firstReport);
    if (length > 0) observed = std::max(observed, proxy.share * static_cast<double>(known) / length);
  }
  out["observed"] = std::clamp(observed, 0.0, 1.0);
  if (since != 0) out["since"] = rfc3339(since);
  if (until != 0) out["until"] = rfc3339(until);
  return out;
}

}  // namespace loam::api
