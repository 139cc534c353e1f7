#include "rollout/cli/reach_view.h"

#include <algorithm>
#include <cstdlib>

#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

constexpr std::size_t kLabel = 11;
constexpr std::size_t kMostCallers = 10;

void line(std::ostream& out, std::string label, const std::string& text) {
  label.resize(kLabel, ' ');
  out << "  " << label << text << "\n";
}

/// "cart, web and 12 more".
std::string namesText(const Json::Value& counted) {
  std::string text;
  for (const Json::Value& name : counted["names"])
    text.append(text.empty() ? "" : ", ").append(printable(name.asString()));
  const std::uint64_t more = counted["count"].asUInt64() - counted["names"].size();
  if (more != 0) text.append(" and ").append(std::to_string(more)).append(" more");
  return text;
}

void printSwitches(std::ostream& out, const Json::Value& switches) {
  constexpr std::pair<const char*, const char*> kParts[] = {
      {"in", "goes in"}, {"out", "goes out"}, {"stays_in", "stays in"}, {"stays_out", "stays out"}};
  for (const auto& [member, label] : kParts) {
    if (switches[member]["count"].asUInt64() != 0) line(out, label, namesText(switches[member]));
  }
  if (switches["strange"]["count"].asUInt64() != 0)
    line(out, "unknown", namesText(switches["strange"]) + ": named, but not in the record");
}

void printExpected(std::ostream& out, const Json::Value& reach) {
  constexpr double kHundred = 100;
  const Json::Value& expected = reach["expected"];
  const double rate = expected["per_second"].asDouble();
  const auto at = [&](const char* member) {
    const std::string percent = expected[member].asString();
    return rateText(rate * std::strtod(percent.c_str(), nullptr) / kHundred) + " (" + percent + " %)";
  };
  line(out, "expected",
       at("percent_before") + " -> " + at("percent_after") + " of " + rateText(rate) + " " +
           reach["percent_of"].asString() + "s");
}

void printCallers(const Session& session, const Json::Value& reach) {
  constexpr auto kRight = Table::Column::Align::Right;
  Table table({{.title = "  CALLER", .flexible = true},
               {.title = "PROTOCOL"},
               {.title = "PORT", .align = kRight},
               {.title = "CONNECTIONS", .align = kRight},
               {.title = "REQUESTS", .align = kRight}});
  const Json::Value& callers = reach["callers"];
  for (Json::ArrayIndex i = 0; i < std::min<std::size_t>(callers.size(), kMostCallers); ++i) {
    const Json::Value& call = callers[i];
    table.add({"  " + call["caller"].asString(), call["protocol"].asString(), std::to_string(call["port"].asUInt()),
               std::to_string(call["connections"].asUInt64()), std::to_string(call["requests"].asUInt64())});
  }
  if (table.rows() != 0) table.print(session.terminal);
  const std::uint64_t edges = reach["blast_radius"]["edges"].asUInt64();
  if (edges > table.rows()) session.terminal.out << "  and " << edges - table.rows() << " more\n";
}

}  // namespace

void printReach(const Session& session, const Json::Value& reach) {
  if (!reach.isObject()) return;
  std::ostream& out = session.terminal.out;
  printSwitches(out, reach["switches"]);
  if (reach.isMember("expected")) printExpected(out, reach);
  const Json::Value& blast = reach["blast_radius"];
  const std::uint64_t proxies = blast["proxies"]["count"].asUInt64();
  const std::uint64_t callers = blast["callers"].asUInt64();
  line(out, "reaches",
       std::to_string(callers) + (callers == 1 ? " caller, " : " callers, ") +
           percentText(blast["edge_share"].asDouble()) + " of the mesh's edges, in the last " +
           lengthText(blast["window_seconds"].asInt64()));
  line(out, "carried by",
       proxies == 0
           ? "no proxy yet"
           : (proxies == 1 ? "1 proxy: " : std::to_string(proxies) + " proxies: ") + namesText(blast["proxies"]));
  if (blast["lacking"]["count"].asUInt64() != 0)
    line(out, "cannot", namesText(blast["lacking"]) + ": too old for this stage, it stays off there");
  if (blast["silent"]["count"].asUInt64() != 0) line(out, "silent", namesText(blast["silent"]));
  printCallers(session, reach);
}

}  // namespace loam::cli
