#include <algorithm>
#include <memory>
#include <utility>

#include "rollout/cli/commands.h"
#include "rollout/cli/graph_view.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

constexpr auto kRight = Table::Column::Align::Right;

/// Which edges.
struct Wanted {
  std::string source, target, protocol;
};

int list(const Session& session, const Wanted& wanted) {
  std::string path = "/v1/edges?" + session.windowQuery();
  addParameter(path, "protocol", wanted.protocol);
  auto answer = session.get(path);
  if (!answer) return session.end(answer.error());
  Json::Value kept(Json::arrayValue);
  for (const Json::Value& edge : (*answer)["edges"]) {
    const bool fits = (wanted.source.empty() || edge["source"].asString() == wanted.source) &&
                      (wanted.target.empty() || edge["target"].asString() == wanted.target);
    if (fits) kept.append(edge);
  }
  (*answer)["edges"] = std::move(kept);
  if (session.printStructured(*answer, "edges", edgeName)) return kOk;
  if ((*answer)["edges"].empty()) {
    session.terminal.err << "no such edges in this window\n";
    return kOk;
  }
  edgeTable((*answer)["edges"], session.isWide()).print(session.terminal);
  return kOk;
}

/// What the graph calls what a person calls `node`: by name, id or address.
std::string shownName(const Json::Value& nodes, const std::string& node) {
  for (const Json::Value& one : nodes) {
    if (one["name"].asString() == node || one["id"].asString() == node) return one["name"].asString();
  }
  for (const Json::Value& one : nodes) {
    const Json::Value& addresses = one["addresses"];
    const bool has =
        std::any_of(addresses.begin(), addresses.end(), [&](const Json::Value& ip) { return ip.asString() == node; });
    if (has) return one["name"].asString();
  }
  return node;
}

std::string joined(const Json::Value& list) {
  std::string text;
  for (const Json::Value& item : list) text.append(text.empty() ? "" : ", ").append(item.asString());
  return text.empty() ? "-" : text;
}

/// One line of a description.
void say(const Session& session, const char* what, const std::string& text) {
  session.terminal.out << session.terminal.dim() << what << session.terminal.plain() << printable(text) << "\n";
}

std::string signalsText(const Json::Value& edge) {
  return rateText(edge["rate"].asDouble()) + ", " + std::to_string(edge["requests"].asUInt64()) +
         " exchanges, errors " + errorCell(edge) + ", p50 " + millisecondsCell(edge, "p50_ms") + ", p99 " +
         millisecondsCell(edge, "p99_ms");
}

std::string connectionsText(const Json::Value& edge) {
  const auto count = [](const Json::Value& value) { return std::to_string(value.asUInt64()); };
  return count(edge["connections"]) + " (" + count(edge["failed_connections"]) + " failed, of them " +
         count(edge["security"]["denied"]) + " denied; " + count(edge["resets"]) + " reset), sent " +
         bytesText(edge["bytes_sent"].asUInt64()) + ", received " + bytesText(edge["bytes_received"].asUInt64());
}

void printSecurity(const Session& session, const Json::Value& security) {
  if (security.isNull()) {
    say(session, "security     ", "nobody asked: mtls of the service is off");
    return;
  }
  const std::string state = security["state"].asString();
  std::string text = state.empty() ? "nobody asked in this window" : state;
  for (const char* how : {"mutual", "plaintext", "local", "unasked"}) {
    if (const auto count = security[how].asUInt64(); count != 0) text += ", " + std::to_string(count) + " " + how;
  }
  if (security.isMember("mutual_share")) text += "; mutual share " + percentText(security["mutual_share"].asDouble());
  say(session, "security     ", text);
  const bool ever = security.isMember("last_plaintext");
  say(session, "plaintext    ",
      ever ? "last seen " + timeText(security["last_plaintext"].asString()) + " UTC" : "never");
  const std::uint64_t plaintext = security["plaintext"].asUInt64();
  Table reasons({{.title = "REASON"},
                 {.title = "CONNECTIONS", .align = kRight},
                 {.title = "SHARE", .align = kRight},
                 {.title = "LAST SEEN"}});
  for (const Json::Value& reason : security["reasons"]) {
    const std::uint64_t count = reason["connections"].asUInt64();
    reasons.add({reason["state"].asString(), std::to_string(count),
                 plaintext == 0 ? "-" : percentText(static_cast<double>(count) / static_cast<double>(plaintext)),
                 timeText(reason["last_seen"].asString())});
  }
  Table identities({{.title = "IDENTITY", .flexible = true},
                    {.title = "SIDE"},
                    {.title = "CONNECTIONS", .align = kRight},
                    {.title = "LAST SEEN"}});
  for (const Json::Value& peer : security["identities"]) {
    identities.add({peer["identity"].asString(), peer["side"].asString(),
                    std::to_string(peer["connections"].asUInt64()), timeText(peer["last_seen"].asString())});
  }
  for (const Table* table : {&reasons, &identities}) {
    if (table->rows() == 0) continue;
    session.terminal.out << "\n";
    table->print(session.terminal);
  }
}

/// What features of the target refused the source, or would have.
void printRefusals(const Session& session, const Json::Value& refusals) {
  Table table({{.title = "FEATURE"},
               {.title = "RULE"},
               {.title = "REFUSED"},
               {.title = "COUNT", .align = kRight},
               {.title = "LAST SEEN"},
               {.title = session.isWide() ? "CLIENT" : "", .flexible = true}});
  for (const Json::Value& one : refusals) {
    table.add({one["feature"].asString(), one["rule"].asString(), one["enforced"].asBool() ? "yes" : "would be",
               std::to_string(one["connections"].asUInt64()), timeText(one["last_seen"].asString()),
               session.isWide() ? one["client"].asString() : ""});
  }
  if (table.rows() == 0) return;
  session.terminal.out << "\n";
  table.print(session.terminal);
}

void print(const Session& session, const Json::Value& edge) {
  const Terminal& terminal = session.terminal;
  terminal.out << terminal.bold() << printable(edgeName(edge)) << terminal.plain() << "\n";
  say(session, "seen by      ",
      joined(edge["seen_by"]) + " (" + joined(edge["proxies"]) + ")" +
          (edge["captured"].asBool() ? "" : ", in socket tables only"));
  say(session, "first seen   ",
      timeText(edge["first_seen"].asString()) + ", last seen " + timeText(edge["last_seen"].asString()) + " UTC");
  say(session, "signals      ", signalsText(edge));
  say(session, "connections  ", connectionsText(edge));
  say(session, "its own TLS  ", edge["tls"].asString());
  printSecurity(session, edge["security"]);
  printRefusals(session, edge["refusals"]);
  Json::Value one(Json::arrayValue);
  one.append(edge);
  printRoutes(session, one);
}

/// Tells each edge what features of its target refused its source; none where the window knows of no refusal.
Outcome<void> addRefusals(const Session& session, const std::string& target, Json::Value& edges) {
  auto answer = session.get("/v1/services/" + http::percentEncode(target) + "/refusals?" + session.windowQuery());
  if (!answer && answer.error().status != kNotFound) return tl::unexpected(answer.error());
  for (Json::Value& edge : edges) {
    edge["refusals"] = Json::Value(Json::arrayValue);
    if (!answer) continue;
    for (const Json::Value& one : (*answer)["refusals"]) {
      const std::string at = one["destination"].asString();
      const bool isOfIt = one["caller"] == edge["source"] && at.ends_with(":" + std::to_string(edge["port"].asUInt()));
      if (isOfIt) edge["refusals"].append(one);
    }
  }
  return {};
}

int describe(const Session& session, const Wanted& wanted) {
  std::string path = "/v1/graph?" + session.windowQuery();
  addParameter(path, "focus", wanted.source);
  addParameter(path, "protocol", wanted.protocol);
  auto answer = session.get(path);
  if (!answer) return session.end(answer.error());
  const std::string source = shownName((*answer)["nodes"], wanted.source);
  const std::string target = shownName((*answer)["nodes"], wanted.target);
  Json::Value found(Json::objectValue);
  found["header"] = (*answer)["header"];
  found["edges"] = Json::Value(Json::arrayValue);
  for (const Json::Value& edge : (*answer)["edges"]) {
    if (edge["source"].asString() == source && edge["target"].asString() == target) found["edges"].append(edge);
  }
  if (found["edges"].empty())
    return session.end({kNotFound, "\"" + source + "\" does not call \"" + target + "\" in this window"});
  if (const auto added = addRefusals(session, target, found["edges"]); !added) return session.end(added.error());
  if (session.printStructured(found, "edges", edgeName)) return kOk;
  printHeader(session, found["header"]);
  bool first = true;
  for (const Json::Value& edge : found["edges"]) {
    if (!std::exchange(first, false)) session.terminal.out << "\n";
    print(session, edge);
  }
  return kOk;
}

}  // namespace

void addEdgeCommands(CLI::App& app, Session& session) {
  CLI::App& edge = *app.add_subcommand("edge", "Edges of the graph");
  edge.require_subcommand(1);
  CLI::App& listing = *edge.add_subcommand("list", "One a line, without a header");
  const auto wanted = std::make_shared<Wanted>();
  listing.add_option("--source", wanted->source, "only of this caller")->option_text("NAME");
  listing.add_option("--target", wanted->target, "only to this service")->option_text("NAME");
  listing.add_option("--protocol", wanted->protocol, "only of this protocol")->option_text("NAME");
  session.addOutput(listing);
  session.addWindow(listing);
  session.addController(listing);
  session.runs(listing, [&session, wanted] { return list(session, *wanted); });

  CLI::App& describing = *edge.add_subcommand(
      "describe", "One with its signals, routes, how its connections are secured and why, and what is refused on it");
  describing.footer(
      "Examples:\n  loam edge describe frontend checkout --window -7d\n"
      "  loam edge describe frontend checkout -o json");
  const auto one = std::make_shared<Wanted>();
  describing.add_option("source", one->source, "the caller: name, id or address")->required()->option_text("SERVICE");
  describing.add_option("target", one->target, "what it calls: name, id or address")
      ->required()
      ->option_text("SERVICE");
  describing.add_option("--protocol", one->protocol, "only of this protocol")->option_text("NAME");
  session.addOutput(describing);
  session.addWindow(describing);
  session.addController(describing);
  session.runs(describing, [&session, one] { return describe(session, *one); });
}

}  // namespace loam::cli
