#include "rollout/cli/graph_view.h"

#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

constexpr auto kRight = Table::Column::Align::Right;

std::string lossText(const Json::Value& lost) {
  std::uint64_t sum = 0;
  for (const char* kind : {"records", "reports"}) sum += lost[kind].asUInt64();
  return sum == 0 ? "" : " (lost " + std::to_string(sum) + ")";
}

std::string coverageText(const Json::Value& coverage) {
  constexpr Json::ArrayIndex kMost = 4;
  std::string text;
  for (Json::ArrayIndex i = 0; i < coverage.size() && i < kMost; ++i) {
    const Json::Value& proxy = coverage[i];
    text.append(text.empty() ? "" : ", ").append(printable(proxy["proxy"].asString())).append(" ");
    text.append(percentText(proxy["share"].asDouble())).append(lossText(proxy["lost"]));
  }
  if (coverage.size() > kMost) text.append(" and ").append(std::to_string(coverage.size() - kMost)).append(" more");
  return text.empty() ? "no proxy reported" : text;
}

/// "10 % of orders": what is not observed whole; empty for nothing.
std::string sampledText(const Json::Value& sampled) {
  std::string text;
  for (const Json::Value& one : sampled) {
    const std::string service = one["service"].asString();
    text.append(text.empty() ? "" : ", ").append(percentText(one["share"].asDouble())).append(" of ");
    text.append(service == "*" ? "every other service" : printable(service));
  }
  return text;
}

}  // namespace

void printHeader(const Session& session, const Json::Value& header) {
  const Terminal& terminal = session.terminal;
  const Json::Value& window = header["window"];
  const std::string from = timeText(window["from"].asString());
  const std::string to = timeText(window["to"].asString());
  const bool sameDay = from.substr(0, 10) == to.substr(0, 10);
  terminal.out << terminal.dim() << "window    " << terminal.plain() << from << " - " << (sameDay ? to.substr(11) : to)
               << " UTC (" << lengthText(window["seconds"].asInt64()) << "), in steps of "
               << lengthText(header["resolution_seconds"].asInt64()) << ", revision " << header["revision"].asUInt64()
               << "\n";
  terminal.out << terminal.dim() << "coverage  " << terminal.plain() << coverageText(header["coverage"])
               << "; captured " << percentText(header["captured_share"].asDouble()) << " of known connections";
  const std::uint64_t cut = header["cut"]["edges"].asUInt64();
  if (cut != 0) terminal.out << "; " << cut << " edges not shown";
  const std::string partly = sampledText(header["sampled"]);
  if (!partly.empty()) {
    terminal.out << "\n" << terminal.dim() << "observed  " << terminal.plain() << "only " << partly << " (connections)";
  }
  terminal.out << "\n\n";
}

std::string errorCell(const Json::Value& counts) {
  const std::uint64_t requests = counts["requests"].asUInt64();
  if (requests == 0) return "-";
  return percentText(static_cast<double>(counts["errors"].asUInt64()) / static_cast<double>(requests));
}

std::string millisecondsCell(const Json::Value& counts, const char* quantile) {
  return counts["requests"].asUInt64() == 0 ? "-" : millisecondsText(counts[quantile].asDouble());
}

std::string securityCell(const Json::Value& edge) {
  const Json::Value& security = edge["security"];
  std::string text = security["state"].asString();
  if (text.empty()) return "-";
  if (text == "partial" && security.isMember("mutual_share"))
    text = percentText(security["mutual_share"].asDouble()) + " mutual";
  if (!security["reasons"].empty()) text += ", " + security["reasons"][0]["state"].asString();
  return text;
}

void printRoutes(const Session& session, const Json::Value& edges) {
  Table table({{.title = "CALLER", .flexible = true},
               {.title = "ROUTE", .flexible = true},
               {.title = "REQUESTS", .align = kRight},
               {.title = "ERRORS", .align = kRight},
               {.title = "P50", .align = kRight},
               {.title = "P99", .align = kRight}});
  for (const Json::Value& edge : edges) {
    for (const Json::Value& route : edge["routes"]) {
      table.add({edge["source"].asString(), route["route"].asString(), std::to_string(route["requests"].asUInt64()),
                 errorCell(route), millisecondsCell(route, "p50_ms"), millisecondsCell(route, "p99_ms")});
    }
  }
  if (table.rows() == 0) return;
  session.terminal.out << "\nroutes\n";
  table.print(session.terminal);
}

Table edgeTable(const Json::Value& edges, bool wide) {
  std::vector<Table::Column> columns = {{.title = "SOURCE", .flexible = true},
                                        {.title = "TARGET", .flexible = true},
                                        {.title = "PROTOCOL"},
                                        {.title = "PORT", .align = kRight},
                                        {.title = "RATE", .align = kRight},
                                        {.title = "ERRORS", .align = kRight},
                                        {.title = "P50", .align = kRight},
                                        {.title = "P99", .align = kRight},
                                        {.title = "TLS"},
                                        {.title = "CAPTURED"}};
  if (wide) {
    columns.push_back({.title = "SECURITY"});
    for (const char* title : {"CONNECTIONS", "FAILED", "DENIED", "REQUESTS", "SENT", "RECEIVED"}) {
      columns.push_back({.title = title, .align = kRight});
    }
    for (const char* title : {"SEEN BY", "FIRST SEEN", "LAST SEEN"}) columns.push_back({.title = title});
  }
  Table table(std::move(columns));
  for (const Json::Value& edge : edges) {
    std::vector<std::string> cells = {edge["source"].asString(),
                                      edge["target"].asString(),
                                      edge["protocol"].asString(),
                                      std::to_string(edge["port"].asUInt()),
                                      rateText(edge["rate"].asDouble()),
                                      errorCell(edge),
                                      millisecondsCell(edge, "p50_ms"),
                                      millisecondsCell(edge, "p99_ms"),
                                      edge["tls"].asString(),
                                      edge["captured"].asBool() ? "yes" : "no"};
    if (wide) {
      cells.push_back(securityCell(edge));
      for (const Json::Value* count :
           {&edge["connections"], &edge["failed_connections"], &edge["security"]["denied"], &edge["requests"]}) {
        cells.push_back(std::to_string(count->asUInt64()));
      }
      for (const char* count : {"bytes_sent", "bytes_received"}) cells.push_back(bytesText(edge[count].asUInt64()));
      std::string seenBy;
      for (const Json::Value& vantage : edge["seen_by"])
        seenBy.append(seenBy.empty() ? "" : ",").append(vantage.asString());
      cells.push_back(seenBy);
      cells.push_back(timeText(edge["first_seen"].asString()));
      cells.push_back(timeText(edge["last_seen"].asString()));
    }
    table.add(std::move(cells));
  }
  return table;
}

std::string edgeName(const Json::Value& edge) {
  return edge["source"].asString() + " -> " + edge["target"].asString() + " " + edge["protocol"].asString() + "/" +
         std::to_string(edge["port"].asUInt());
}

}  // namespace loam::cli
