#include <memory>

#include "proxy/base/json.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"
#include "shadow/graph/json_view.h"

namespace loam::cli {

namespace {

struct Query {
  std::string kind, key, who, from, to, format = "ndjson";
  std::uint64_t most = 100;
};

std::string targetOf(const Query& query) {
  std::string target = "/v1/audit?most=" + std::to_string(query.most);
  addParameter(target, "kind", query.kind);
  addParameter(target, "key", query.key);
  addParameter(target, "who", query.who);
  addParameter(target, "from", query.from);
  addParameter(target, "to", query.to);
  return target;
}

int list(const Session& session, const Query& query) {
  const auto answer = session.get(targetOf(query));
  if (!answer) return session.end(answer.error());
  const auto nameOf = [](const Json::Value& event) { return std::to_string(event["sequence"].asUInt64()); };
  if (session.printStructured(*answer, "events", nameOf)) return kOk;
  Table table({{.title = "SEQUENCE", .align = Table::Column::Align::Right},
               {.title = "AT"},
               {.title = "WHO"},
               {.title = "VERB"},
               {.title = "WHAT", .flexible = true},
               {.title = "REASON", .flexible = true}});
  for (const Json::Value& event : (*answer)["events"]) {
    const Json::Value& act = event["act"];
    table.add({std::to_string(event["sequence"].asUInt64()), timeText(graph::rfc3339(event["at"].asInt64() / 1000)),
               act["who"].asString(), act["verb"].asString(), event["kind"].asString() + " " + event["key"].asString(),
               act["reason"].asString()});
  }
  if (table.rows() == 0) session.terminal.err << "no such events\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

/// All of them, page by page, as they are.
int exportAll(const Session& session, Query query) {
  constexpr std::uint64_t kPage = 10'000;
  query.most = kPage;
  std::string after;
  for (bool first = true;; first = false) {
    std::string page = targetOf(query);
    addParameter(page, "after", after);
    const auto known = session.get(page);
    if (!known) return session.end(known.error());
    const auto text = session.send({.target = page + "&format=" + query.format});
    if (!text) return session.end(text.error());
    std::string_view body = text->body;
    if (!first && query.format == "csv") body.remove_prefix(std::min(body.find('\n'), body.size() - 1) + 1);
    session.terminal.out << body;
    if (!known->isMember("next")) return kOk;
    after = (*known)["next"].asString();
  }
}

int verify(const Session& session) {
  const auto answer = session.get("/v1/audit/verification");
  if (!answer) return session.end(answer.error());
  if (!(*answer)["whole"].asBool()) {
    return session.end({kError, "the audit log is not whole: " + printable((*answer)["detail"].asString()), {}});
  }
  session.terminal.out << (*answer)["events"].asUInt64() << " events, whole; the last is "
                       << (*answer)["last"].asString() << "\n";
  return kOk;
}

}  // namespace

void addAuditCommands(CLI::App& app, Session& session) {
  CLI::App& audit = *app.add_subcommand("audit", "Who did what, when and why");
  audit.require_subcommand(1);
  const auto query = std::make_shared<Query>();
  const auto addQuery = [&](CLI::App& command) {
    command.add_option("--kind", query->kind, "flag, change, freeze, ...")->option_text("KIND");
    command.add_option("--key", query->key, "of that kind: checkout/observe")->option_text("KEY");
    command.add_option("--who", query->who, "only what this person did")->option_text("NAME");
    command.add_option("--from", query->from, "since: -2h, 2026-11-22T20:00:00Z")->option_text("TIME");
    command.add_option("--to", query->to, "before")->option_text("TIME");
    session.addController(command);
  };
  CLI::App& listing = *audit.add_subcommand("list", "Events, oldest first");
  addQuery(listing);
  listing.add_option("--most", query->most, "how many")->option_text("N")->check(CLI::Range(1, 10'000));
  session.addOutput(listing);
  session.runs(listing, [&session, query] { return list(session, *query); });
  CLI::App& exporting = *audit.add_subcommand("export", "All of them, for another system");
  addQuery(exporting);
  exporting.add_option("--format", query->format, "ndjson or csv")
      ->option_text("FORM")
      ->check(CLI::IsMember({"ndjson", "csv"}));
  session.runs(exporting, [&session, query] { return exportAll(session, *query); });
  CLI::App& verifying =
      *audit.add_subcommand("verify", "Check that no event was changed or taken out; status 1 when one was");
  session.addController(verifying);
  session.runs(verifying, [&session] { return verify(session); });
}

}  // namespace loam::cli
