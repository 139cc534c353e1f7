#include <iomanip>
#include <memory>
#include <sstream>

#include "rollout/cli/commands.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

struct Asked {
  std::string service, feature, to;
};

std::string callerOf(const Json::Value& one) { return one["caller"].asString(); }

std::string percentText(double percent) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(percent > 0 && percent < 100 ? 1 : 0) << percent;
  return text.str();
}

constexpr double kPercent = 100;
constexpr auto kRight = Table::Column::Align::Right;

Table mtlsTable(const Json::Value& callers) {
  Table table({{.title = "SOURCE", .flexible = true},
               {.title = "CONNS", .align = kRight},
               {.title = "SHARE%", .align = kRight},
               {.title = "MTLS%", .align = kRight},
               {.title = "REASON"},
               {.title = "LAST PLAINTEXT"},
               {.title = "BLOCKS"},
               {.title = "WHY", .flexible = true}});
  for (const Json::Value& one : callers) {
    const std::string reason = one["reason"].asString();
    table.add({callerOf(one), std::to_string(one["connections"].asUInt64()),
               percentText(one["share"].asDouble() * kPercent), percentText(one["mutual_percent"].asDouble()),
               reason.empty() ? "-" : reason,
               one.isMember("last_plaintext") ? timeText(one["last_plaintext"].asString()) : "-",
               one["blocks"].asBool() ? "YES" : "no", one["why"].asString()});
  }
  return table;
}

Table simulatedTable(const Json::Value& callers) {
  Table table({{.title = "SOURCE", .flexible = true},
               {.title = "CONNS", .align = kRight},
               {.title = "SHARE%", .align = kRight},
               {.title = "REFUSED", .align = kRight},
               {.title = "LAST REFUSED"},
               {.title = "BLOCKS"},
               {.title = "WHY", .flexible = true}});
  for (const Json::Value& one : callers) {
    table.add({callerOf(one), std::to_string(one["connections"].asUInt64()),
               percentText(one["share"].asDouble() * kPercent), std::to_string(one["refused"].asUInt64()),
               one.isMember("last_refused") ? timeText(one["last_refused"].asString()) : "-",
               one["blocks"].asBool() ? "YES" : "no", one["why"].asString()});
  }
  return table;
}

void print(const Session& session, const Json::Value& answer) {
  const Json::Value& callers = answer["callers"];
  const Table table = answer["feature"].asString() == "mtls" ? mtlsTable(callers) : simulatedTable(callers);
  if (table.rows() != 0) table.print(session.terminal);
  for (const Json::Value& check : answer["checks"]) {
    session.terminal.out << (check["passed"].asBool() ? "pass  " : "FAIL  ") << printable(check["name"].asString());
    if (!check["passed"].asBool()) session.terminal.out << ": " << printable(check["found"].asString());
    session.terminal.out << "\n";
  }
  for (const Json::Value& one : answer["missing"])
    session.terminal.err << "not known: " << printable(one.asString()) << "\n";
}

int readiness(const Session& session, const Asked& asked) {
  std::string target = "/v1/services/" + http::percentEncode(asked.service) + "/readiness";
  addParameter(target, "feature", asked.feature);
  if (!asked.to.empty()) addParameter(target, "to", asked.to);
  const auto answer = session.get(target);
  if (!answer) return session.end(answer.error());
  if (!session.printStructured(*answer, "callers", callerOf)) print(session, *answer);
  const bool ready = (*answer)["ready"].asBool();
  if (!ready) session.terminal.err << "not ready: " << (*answer)["percent"].asUInt() << " % of the callers are\n";
  return ready ? kOk : kNotReady;
}

}  // namespace

void addReadinessCommand(CLI::App& app, Session& session) {
  CLI::App& command =
      *app.add_subcommand("readiness", "Who would be hurt by a stage of a feature; status 5 when it is not ready");
  const auto asked = std::make_shared<Asked>();
  command.add_option("service", asked->service, "a service of the graph")->required()->option_text("SERVICE");
  command.add_option("feature", asked->feature, "mtls, policy, rate_limit, serve or timeouts")
      ->required()
      ->option_text("FEATURE");
  command.add_option("--to", asked->to, "the last of its ladder is the default")->option_text("STAGE");
  command.footer(
      "Examples:\n  loam readiness checkout mtls --to strict\n  loam readiness checkout serve --to on\n"
      "Of mtls the record tells whose plaintext would be refused. Of the others the proxies count what they would\n"
      "refuse, from `simulate` on: asked is what they counted since the flag was changed, at most a week.");
  session.addOutput(command);
  session.addController(command);
  session.runs(command, [&session, asked] { return readiness(session, *asked); });
}

}  // namespace loam::cli
