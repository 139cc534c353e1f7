#include <memory>

#include "proxy/base/json.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/flag_view.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

std::string idOf(const Json::Value& one) { return one["id"].asString(); }

int list(const Session& session) {
  const auto answer = session.getAll("/v1/changes", "changes");
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "changes", idOf)) return kOk;
  Table table({{.title = "ID"}, {.title = "BY"}, {.title = "AT"}, {.title = "EDITS", .flexible = true}});
  for (const Json::Value& change : (*answer)["changes"]) {
    std::string edits;
    for (const Json::Value& edit : change["edits"]) {
      edits.append(edits.empty() ? "" : ", ").append(edit["service"].asString() + "/" + edit["feature"].asString());
    }
    table.add({change["id"].asString(), change["by"].asString(), timeText(change["at"].asString()), edits});
  }
  if (table.rows() == 0) session.terminal.err << "no change is open\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

int show(const Session& session, const std::string& id) {
  const auto change = session.get("/v1/changes/" + http::percentEncode(id));
  if (!change) return session.end(change.error());
  if (session.printStructured(*change, "", idOf)) return kOk;
  session.terminal.out << id << "  " << (*change)["state"].asString() << "  hash " << (*change)["hash"].asString()
                       << "\n";
  printPreview(session, *change);
  return kOk;
}

int apply(const Session& session, const std::string& id, std::string hash, const std::string& reason,
          const std::string& ticket, bool acceptRisk) {
  const std::string path = "/v1/changes/" + http::percentEncode(id);
  if (hash.empty()) {
    // Whoever names no hash applies what he is shown now.
    const auto change = session.get(path);
    if (!change) return session.end(change.error());
    printPreview(session, *change);
    hash = (*change)["hash"].asString();
  }
  Json::Value body(Json::objectValue);
  body["hash"] = hash;
  body["reason"] = reason;
  if (!ticket.empty()) body["ticket"] = ticket;
  if (acceptRisk) body["accept_risk"] = true;
  const auto applied = session.change("POST", path + "/apply", body);
  if (!applied) return session.end(applied.error());
  session.terminal.err << id << " is applied, revision " << (*applied)["revision"].asUInt64() << "\n";
  return kOk;
}

int discard(const Session& session, const std::string& id) {
  const auto done =
      session.change("POST", "/v1/changes/" + http::percentEncode(id) + "/discard", Json::Value(Json::objectValue));
  if (!done) return session.end(done.error());
  session.terminal.err << id << " is discarded\n";
  return kOk;
}

struct Scope {
  std::string service, feature, until, reason, id;
};

int freeze(const Session& session, const Scope& scope) {
  Json::Value body(Json::objectValue);
  if (!scope.service.empty()) body["service"] = scope.service;
  if (!scope.feature.empty()) body["feature"] = scope.feature;
  if (!scope.until.empty()) body["until"] = scope.until;
  body["reason"] = scope.reason;
  const auto done = session.change("POST", "/v1/freezes", body);
  if (!done) return session.end(done.error());
  session.terminal.out << (*done)["id"].asString() << "\n";
  return kOk;
}

int listFreezes(const Session& session) {
  const auto answer = session.get("/v1/freezes");
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "freezes", idOf)) return kOk;
  Table table({{.title = "ID"},
               {.title = "SERVICE"},
               {.title = "FEATURE"},
               {.title = "UNTIL"},
               {.title = "BY"},
               {.title = "REASON", .flexible = true}});
  for (const Json::Value& one : (*answer)["freezes"]) {
    const auto all = [&](const char* name) { return one[name].asString().empty() ? "all" : one[name].asString(); };
    table.add({one["id"].asString(), all("service"), all("feature"), timeText(one["until"].asString()),
               one["by"].asString(), one["reason"].asString()});
  }
  if (table.rows() == 0) session.terminal.err << "nothing is frozen\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

int lift(const Session& session, const Scope& scope) {
  Json::Value body(Json::objectValue);
  if (!scope.reason.empty()) body["reason"] = scope.reason;
  const auto done = session.change("DELETE", "/v1/freezes/" + http::percentEncode(scope.id), body);
  return done ? static_cast<int>(kOk) : session.end(done.error());
}

}  // namespace

void addChangeCommands(CLI::App& app, Session& session) {
  CLI::App& change = *app.add_subcommand("change", "Proposed edits of flags: look at one, apply it, discard it");
  change.require_subcommand(1);
  struct Typed {
    std::string id, hash, reason, ticket;
    bool acceptRisk = false;
  };
  const auto typed = std::make_shared<Typed>();
  const auto add = [&](const char* name, const char* summary, bool one) -> CLI::App& {
    CLI::App& command = *change.add_subcommand(name, summary);
    if (one) command.add_option("id", typed->id, "of the change")->required()->option_text("ID");
    session.addController(command);
    return command;
  };
  CLI::App& listing = add("list", "Those that wait", false);
  session.addOutput(listing);
  session.runs(listing, [&session] { return list(session); });
  CLI::App& showing = add("show", "What it would do now", true);
  session.addOutput(showing);
  session.runs(showing, [&session, typed] { return show(session, typed->id); });
  CLI::App& applying = add("apply", "Do it; status 4 when flags moved since it was proposed", true);
  applying.add_flag("--accept-risk", typed->acceptRisk, "also where checks fail; who and what is in the audit log");
  applying.add_option("--hash", typed->hash, "of the preview that was seen; without it, of the one that is shown now")
      ->option_text("HASH");
  applying.add_option("--reason", typed->reason, "why, for the audit log")->required()->option_text("TEXT");
  applying.add_option("--ticket", typed->ticket, "its number elsewhere")->option_text("TEXT");
  session.runs(applying, [&session, typed] {
    return apply(session, typed->id, typed->hash, typed->reason, typed->ticket, typed->acceptRisk);
  });
  CLI::App& discarding = add("discard", "Forget it", true);
  session.runs(discarding, [&session, typed] { return discard(session, typed->id); });
}

void addFreezeCommands(CLI::App& app, Session& session) {
  CLI::App& freezing = *app.add_subcommand("freeze", "Let nothing rise: begin, list or lift a freeze");
  freezing.require_subcommand(1);
  const auto scope = std::make_shared<Scope>();
  CLI::App& begin =
      *freezing.add_subcommand("begin", "For all, one service or one feature; what makes things safer stays allowed");
  begin.add_option("--service", scope->service, "only this service")->option_text("NAME");
  begin.add_option("--feature", scope->feature, "only this feature")->option_text("NAME");
  begin.add_option("--until", scope->until, "+2h, 2026-12-01T00:00:00Z; until it is lifted by default")
      ->option_text("TIME");
  begin.add_option("--reason", scope->reason, "why, for the audit log")->required()->option_text("TEXT");
  session.addController(begin);
  session.runs(begin, [&session, scope] { return freeze(session, *scope); });
  CLI::App& listing = *freezing.add_subcommand("list", "Those in force");
  session.addOutput(listing);
  session.addController(listing);
  session.runs(listing, [&session] { return listFreezes(session); });
  CLI::App& lifting = *freezing.add_subcommand("lift", "End one");
  lifting.add_option("id", scope->id, "of the freeze")->required()->option_text("ID");
  lifting.add_option("--reason", scope->reason, "why, for the audit log")->option_text("TEXT");
  session.addController(lifting);
  session.runs(lifting, [&session, scope] { return lift(session, *scope); });
}

}  // namespace loam::cli
