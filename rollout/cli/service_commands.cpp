#include <memory>

#include "proxy/base/json.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/graph_view.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

constexpr auto kRight = Table::Column::Align::Right;

std::string nameOf(const Json::Value& item) { return item["name"].asString(); }

std::string joined(const Json::Value& list) {
  std::string text;
  for (const Json::Value& item : list) text.append(text.empty() ? "" : ", ").append(item.asString());
  return text;
}

int list(const Session& session) {
  const auto answer = session.get("/v1/services?routes=false&" + session.windowQuery());
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "services", nameOf)) return kOk;
  std::vector<Table::Column> columns = {{.title = "NAME", .flexible = true},   {.title = "KIND"},
                                        {.title = "CALLERS", .align = kRight}, {.title = "CALLS", .align = kRight},
                                        {.title = "RATE", .align = kRight},    {.title = "ERRORS", .align = kRight},
                                        {.title = "P50", .align = kRight},     {.title = "P99", .align = kRight}};
  if (session.isWide()) {
    columns.push_back({.title = "NAMED BY"});
    columns.push_back({.title = "LAST SEEN"});
    columns.push_back({.title = "ADDRESSES"});
  }
  Table table(std::move(columns));
  for (const Json::Value& service : (*answer)["services"]) {
    const Json::Value& inbound = service["inbound"];
    std::vector<std::string> cells = {service["name"].asString(),
                                      service["kind"].asString(),
                                      std::to_string(inbound["edges"].asUInt64()),
                                      std::to_string(service["outbound"]["edges"].asUInt64()),
                                      inbound["edges"].asUInt64() == 0 ? "-" : rateText(inbound["rate"].asDouble()),
                                      errorCell(inbound),
                                      millisecondsCell(inbound, "p50_ms"),
                                      millisecondsCell(inbound, "p99_ms")};
    if (session.isWide()) {
      cells.push_back(service["name_source"].asString());
      cells.push_back(timeText(service["last_seen"].asString()));
      cells.push_back(joined(service["addresses"]));
    }
    table.add(std::move(cells));
  }
  if (table.rows() == 0) session.terminal.err << "no services in this window\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

int describe(const Session& session, const std::string& name) {
  const auto answer = session.get("/v1/services/" + http::percentEncode(name) + "?" + session.windowQuery());
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "", [](const Json::Value& one) { return nameOf(one["service"]); })) return kOk;
  const Json::Value& service = (*answer)["service"];
  const Terminal& terminal = session.terminal;
  terminal.out << terminal.bold() << printable(service["name"].asString()) << terminal.plain() << "  "
               << printable(service["kind"].asString()) << ", named by " << printable(service["name_source"].asString())
               << "\n";
  terminal.out << "addresses   " << printable(joined(service["addresses"])) << "\n";
  std::string claims;
  for (const Json::Value& claim : service["claims"]) {
    claims.append(claims.empty() ? "" : ", ")
        .append(claim["name"].asString() + " (" + claim["source"].asString() + ")");
  }
  if (!claims.empty()) terminal.out << "evidence    " << printable(claims) << "\n";
  terminal.out << "first seen  " << timeText(service["first_seen"].asString()) << ", last seen "
               << timeText(service["last_seen"].asString()) << " UTC\n\n";
  printHeader(session, (*answer)["header"]);
  for (const char* side : {"callers", "callees"}) {
    if ((*answer)[side].empty()) continue;
    terminal.out << side << "\n";
    edgeTable((*answer)[side], session.isWide()).print(terminal);
    if (std::string_view(side) == "callers" && !(*answer)["callees"].empty()) terminal.out << "\n";
  }
  printRoutes(session, (*answer)["callers"]);
  return kOk;
}

struct Settings {
  std::string name, owner, tier, capture, reason;
  std::vector<std::string> tags;
};

int setService(const Session& session, const Settings& settings) {
  Json::Value body(Json::objectValue);
  if (!settings.owner.empty()) body["owner"] = settings.owner;
  if (!settings.tier.empty()) body["tier"] = settings.tier;
  if (!settings.capture.empty()) body["captured"] = settings.capture == "on";
  for (const std::string& tag : settings.tags) body["tags"].append(tag);
  if (body.empty()) return session.end({kUsage, "set what? --owner, --tier, --tag or --capture", {}});
  if (!settings.reason.empty()) body["reason"] = settings.reason;
  const std::string target = "/v1/services/" + http::percentEncode(settings.name) + "/settings";
  const auto before = session.get(target);
  if (!before) return session.end(before.error());
  const Headers seen = {{"If-Match", "\"" + std::to_string((*before)["revision"].asUInt64()) + "\""},
                        {"Prefer", "merge"}};
  const auto answer = session.change("PATCH", target, body, seen);
  if (!answer) return session.end(answer.error());
  if (!session.printStructured(*answer, "", [](const Json::Value& one) { return one["name"].asString(); })) {
    session.terminal.err << printable(settings.name) << " is set, revision " << (*answer)["revision"].asUInt64()
                         << "\n";
  }
  return kOk;
}

int nameNode(const Session& session, const std::string& node, const std::string& name, const std::string& reason) {
  Json::Value body(Json::objectValue);
  body["name"] = name;
  if (!reason.empty()) body["reason"] = reason;
  const auto answer = session.send({.method = "PUT",
                                    .target = "/v1/nodes/" + http::percentEncode(node) + "/name",
                                    .headers = {{"Content-Type", "application/json"}},
                                    .body = writeJson(body)});
  if (!answer) return session.end(answer.error());
  session.terminal.err << (name.empty() ? printable(node) + " goes by the evidence again"
                                        : printable(node) + " is called " + printable(name) + " now")
                       << "\n";
  return kOk;
}

void addServiceSetting(CLI::App& service, Session& session) {
  CLI::App& setting =
      *service.add_subcommand("set", "What people say of one: its owner, tier, tags, and whether it is captured");
  const auto settings = std::make_shared<Settings>();
  setting.add_option("name", settings->name, "of the service")->required()->option_text("SERVICE");
  setting.add_option("--owner", settings->owner, "who answers for it")->option_text("TEXT");
  setting.add_option("--tier", settings->tier, "how much depends on it")->option_text("TEXT");
  setting.add_option("--tag", settings->tags, "replaces all tags; repeatable")->option_text("TEXT");
  setting.add_option("--capture", settings->capture, "off sends connections to it past the proxies, within seconds")
      ->option_text("on|off")
      ->check(CLI::IsMember({"on", "off"}));
  setting.add_option("--reason", settings->reason, "why, for the audit log")->option_text("TEXT");
  session.addOutput(setting);
  session.addController(setting);
  session.runs(setting, [&session, settings] { return setService(session, *settings); });
}

}  // namespace

void addServiceCommands(CLI::App& app, Session& session) {
  CLI::App& service = *app.add_subcommand("service", "Services and addresses of the graph");
  service.require_subcommand(1);
  CLI::App& listing = *service.add_subcommand("list", "All of them, with what they serve");
  session.addOutput(listing);
  session.addWindow(listing);
  session.addController(listing);
  session.runs(listing, [&session] { return list(session); });

  CLI::App& describing = *service.add_subcommand("describe", "One with its evidence, callers, callees and routes");
  const auto name = std::make_shared<std::string>();
  describing.add_option("name", *name, "name, id or address")->required()->option_text("SERVICE");
  session.addOutput(describing);
  session.addWindow(describing);
  session.addController(describing);
  addServiceSetting(service, session);
  session.runs(describing, [&session, name] { return describe(session, *name); });
}

void addNodeCommands(CLI::App& app, Session& session) {
  CLI::App& node = *app.add_subcommand("node", "Nodes of the graph");
  node.require_subcommand(1);
  CLI::App& naming = *node.add_subcommand("name", "Give a node the name of your choice");
  naming.footer(
      "Examples:\n  loam node name 10.0.3.7:5432 orders-db\n  loam node name orders-db ''   # by the evidence again");
  const auto which = std::make_shared<std::string>();
  const auto name = std::make_shared<std::string>();
  naming.add_option("node", *which, "its name, id, address or address:port")->required()->option_text("NODE");
  const auto reason = std::make_shared<std::string>();
  naming.add_option("name", *name, "the name; empty takes it back")->required()->option_text("NAME");
  naming.add_option("--reason", *reason, "why, for the audit log")->option_text("TEXT");
  session.addController(naming);
  session.runs(naming, [&session, which, name, reason] { return nameNode(session, *which, *name, *reason); });
}

}  // namespace loam::cli
