#include <memory>

#include "proxy/base/json.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/flag_view.h"
#include "rollout/cli/settings_argument.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"
#include "shadow/graph/json_view.h"

namespace loam::cli {

namespace {

/// What is typed to set one flag, or to look at what setting it would do.
struct Wanted {
  std::string service, feature, stage, percent, settings, expires, at, reason, ticket;
  std::vector<std::string> include, exclude;
  bool wait = false;
  bool acceptRisk = false;
  bool keep = false;
  std::int64_t timeout = 60;
  std::int64_t revision = -1;  // that the flag has to have; -1: whatever it is
};

std::string flagName(const Json::Value& flag) { return flag["service"].asString() + "/" + flag["feature"].asString(); }

int list(const Session& session, const Wanted& wanted) {
  std::string target = "/v1/flags";
  addParameter(target, "service", wanted.service);
  addParameter(target, "feature", wanted.feature);
  const auto answer = session.getAll(target, "flags");
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "flags", flagName)) return kOk;
  Table table({{.title = "SERVICE", .flexible = true},
               {.title = "FEATURE"},
               {.title = "STAGE"},
               {.title = "OF"},
               {.title = "REVISION", .align = Table::Column::Align::Right},
               {.title = "CHANGED BY"},
               {.title = "CHANGED AT"},
               {.title = "REASON", .flexible = true}});
  for (const Json::Value& flag : (*answer)["flags"]) {
    table.add({flag["service"].asString(), flag["feature"].asString(), stageText(flag), flag["percent_of"].asString(),
               std::to_string(flag["revision"].asUInt64()), flag["changed_by"].asString(),
               timeText(flag["changed_at"].asString()), flag["reason"].asString()});
  }
  if (table.rows() == 0) {
    session.terminal.err << "nobody has touched a flag yet; --service NAME shows where one stands\n";
    return kOk;
  }
  table.print(session.terminal);
  return kOk;
}

int get(const Session& session, const Wanted& wanted) {
  const auto answer = session.get("/v1/services/" + http::percentEncode(wanted.service) + "/features/" +
                                  http::percentEncode(wanted.feature));
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "", flagName)) return kOk;
  const Json::Value& flag = *answer;
  std::ostream& out = session.terminal.out;
  out << flagName(flag) << "  " << stageText(flag) << "  revision " << flag["revision"].asUInt64() << "\n";
  if (flag.isMember("changed_by")) {
    out << "  by " << printable(flag["changed_by"].asString()) << " at " << timeText(flag["changed_at"].asString())
        << ": " << printable(flag["reason"].asString()) << "\n";
  }
  if (flag.isMember("expires")) out << "  until " << timeText(flag["expires"].asString()) << "\n";
  if (!flag["settings"].empty()) out << "  settings " << printable(writeJson(flag["settings"])) << "\n";
  if (flag.isMember("frozen")) out << "  frozen: " << printable(flag["frozen"]["reason"].asString()) << "\n";
  return kOk;
}

/// The edit as the API takes it; a failure names what cannot be read.
Outcome<Json::Value> editOf(const Wanted& wanted) {
  Json::Value edit(Json::objectValue);
  edit["service"] = wanted.service;
  edit["feature"] = wanted.feature;
  if (!wanted.stage.empty()) edit["stage"] = wanted.stage;
  if (!wanted.percent.empty()) edit["percent"] = wanted.percent;
  for (const auto& [name, units] : {std::pair{"include", &wanted.include}, {"exclude", &wanted.exclude}}) {
    for (const std::string& unit : *units) {
      if (!unit.empty()) edit[name].append(unit);
      if (unit.empty() && !edit.isMember(name)) edit[name] = Json::Value(Json::arrayValue);
    }
  }
  if (!wanted.settings.empty()) {
    auto settings = readSettings(wanted.settings);
    if (!settings) return settings;
    edit["settings"] = *std::move(settings);
  }
  if (!wanted.expires.empty()) edit["expires"] = wanted.expires;
  if (!wanted.at.empty()) edit["at"] = wanted.at;
  return edit;
}

Outcome<Json::Value> propose(const Session& session, const Wanted& wanted, const char* target = "/v1/changes") {
  auto edit = editOf(wanted);
  if (!edit) return edit;
  Json::Value body(Json::objectValue);
  body["edits"].append(*std::move(edit));
  if (!wanted.reason.empty()) body["reason"] = wanted.reason;
  if (!wanted.ticket.empty()) body["ticket"] = wanted.ticket;
  return session.change("POST", target, body);
}

int preview(const Session& session, const Wanted& wanted) {
  const auto change = propose(session, wanted, wanted.keep ? "/v1/changes" : "/v1/changes?dry_run=true");
  if (!change) return session.end(change.error());
  if (!session.printStructured(*change, "", [](const Json::Value& one) { return one["id"].asString(); })) {
    printPreview(session, *change);
  }
  if (wanted.keep) {
    session.terminal.err << "apply it: loam change apply " << (*change)["id"].asString() << " --hash "
                         << (*change)["hash"].asString() << " --reason '...'\n";
  }
  return (*change)["applies"].asBool() ? kOk : kNotReady;
}

/// Somebody was faster than the one who named a revision.
int moved(const Session& session, const Wanted& wanted, const Json::Value& now) {
  Json::Value moved(Json::objectValue);
  moved["service"] = wanted.service;
  moved["feature"] = wanted.feature;
  moved["seen_revision"] = Json::Int64(wanted.revision);
  moved["current"] = now;
  Failure failure{kConflict, "the flag changed since it was read", Json::Value(Json::objectValue)};
  failure.problem["change"]["moved"].append(std::move(moved));
  return session.end(failure);
}

int set(const Session& session, const Wanted& wanted) {
  const auto change = propose(session, wanted);
  if (!change) return session.end(change.error());
  const Json::Value& before = (*change)["flags"][0]["before"];
  if (wanted.revision >= 0 && before["revision"].asInt64() != wanted.revision) {
    (void)session.change("POST", "/v1/changes/" + (*change)["id"].asString() + "/discard",
                         Json::Value(Json::objectValue));
    return moved(session, wanted, before);
  }
  Json::Value body(Json::objectValue);
  body["hash"] = (*change)["hash"];
  body["reason"] = wanted.reason;
  if (!wanted.ticket.empty()) body["ticket"] = wanted.ticket;
  if (wanted.acceptRisk) body["accept_risk"] = true;
  const std::string path = "/v1/changes/" + (*change)["id"].asString();
  const auto applied = session.change("POST", path + "/apply", body);
  if (!applied) {
    // What was not applied is not left lying about; that it failed is the news.
    (void)session.change("POST", path + "/discard", Json::Value(Json::objectValue));
    return session.end(applied.error());
  }
  if (!session.printStructured(*applied, "", [](const Json::Value& one) { return one["id"].asString(); })) {
    Json::Value brief = *change;  // it is done: whom it concerns is what a preview is for
    for (Json::Value& one : brief["flags"]) one.removeMember("reach");
    printPreview(session, brief);
  }
  if (!wanted.wait) return kOk;
  return awaitEffect(session, wanted.service, (*applied)["revision"].asUInt64(), wanted.timeout);
}

int kill(const Session& session, const Wanted& wanted, bool all) {
  if (wanted.service.empty() && wanted.feature.empty() && !all) {
    return session.end({kUsage, "kill what? SERVICE, --feature NAME, or --all", {}});
  }
  Json::Value body(Json::objectValue);
  if (!wanted.service.empty()) body["service"] = wanted.service;
  if (!wanted.feature.empty()) body["feature"] = wanted.feature;
  if (!wanted.reason.empty()) body["reason"] = wanted.reason;
  const auto killed = session.change("POST", "/v1/kill", body);
  if (!killed) return session.end(killed.error());
  for (const Json::Value& flag : (*killed)["flags"]) session.terminal.out << printable(flagName(flag)) << "  off\n";
  if ((*killed)["flags"].empty()) session.terminal.err << "nothing was on\n";
  if ((*killed)["journalled"].asBool()) {
    session.terminal.err << "the database cannot be written: it is in force and in the emergency journal\n";
  }
  const std::string service = wanted.service.empty() ? "*" : wanted.service;
  return awaitEffect(session, service, (*killed)["revision"].asUInt64(), wanted.timeout);
}

int history(const Session& session, const Wanted& wanted) {
  const auto answer = session.getAll(
      "/v1/audit?kind=flag&most=1000&key=" + http::percentEncode(wanted.service + "/" + wanted.feature), "events");
  if (!answer) return session.end(answer.error());
  const auto nameOf = [](const Json::Value& event) { return std::to_string(event["sequence"].asUInt64()); };
  if (session.printStructured(*answer, "events", nameOf)) return kOk;
  Table table({{.title = "REVISION", .align = Table::Column::Align::Right},
               {.title = "AT"},
               {.title = "BY"},
               {.title = "VERB"},
               {.title = "WHAT", .flexible = true},
               {.title = "REASON", .flexible = true}});
  for (const Json::Value& event : (*answer)["events"]) {
    const Json::Value& act = event["act"];
    table.add({std::to_string(event["to_revision"].asUInt64()), timeText(graph::rfc3339(event["at"].asInt64() / 1000)),
               act["who"].asString(), act["verb"].asString(), patchText(event["patch"]), act["reason"].asString()});
  }
  if (table.rows() == 0) session.terminal.err << "nobody has touched it yet\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

void addCell(CLI::App& command, Wanted& wanted) {
  command.add_option("service", wanted.service, "a service of the graph; '*' for all of them")
      ->required()
      ->option_text("SERVICE");
  command.add_option("feature", wanted.feature, "observe, mtls, ...")->required()->option_text("FEATURE");
}

void addWhy(CLI::App& command, Wanted& wanted, bool required) {
  auto* const reason = command.add_option("--reason", wanted.reason, "why, for the audit log")->option_text("TEXT");
  if (required) reason->required();
  command.add_option("--ticket", wanted.ticket, "its number elsewhere")->option_text("TEXT");
}

void addAim(CLI::App& command, Wanted& wanted) {
  addCell(command, wanted);
  command.add_option("stage", wanted.stage, "a stage of its ladder")->option_text("STAGE");
  command.add_option("--percent", wanted.percent, "of what the stage counts; 100 by default")->option_text("P");
  command.add_option("--include", wanted.include, "units that are in whatever the percentage says; '' for none")
      ->option_text("UNIT");
  command.add_option("--exclude", wanted.exclude, "units that are out; '' for none")->option_text("UNIT");
  command.add_option("--settings", wanted.settings, "the feature's settings (docs/features.md); - for stdin")
      ->option_text("JSON|FILE");
  command.add_option("--expires", wanted.expires, "back to off then: +2h, 2026-12-01T00:00:00Z, never")
      ->option_text("TIME");
  command.add_option("--at", wanted.at, "not now but then; 'never' calls it off")->option_text("TIME");
}

}  // namespace

void addFlagCommands(CLI::App& app, Session& session) {
  CLI::App& flag = *app.add_subcommand("flag", "How far each feature is on for each service");
  flag.require_subcommand(1);
  const auto wanted = std::make_shared<Wanted>();
  const auto add = [&](const char* name, const char* summary) -> CLI::App& {
    CLI::App& command = *flag.add_subcommand(name, summary);
    session.addOutput(command);
    session.addController(command);
    return command;
  };
  CLI::App& listing = add("list", "Flags that somebody touched; with --service all of it");
  listing.add_option("--service", wanted->service, "of this service, also where nobody touched them")
      ->option_text("NAME");
  listing.add_option("--feature", wanted->feature, "of this feature")->option_text("NAME");
  session.runs(listing, [&session, wanted] { return list(session, *wanted); });

  CLI::App& getting = add("get", "One flag with its settings, and who set it");
  addCell(getting, *wanted);
  session.runs(getting, [&session, wanted] { return get(session, *wanted); });

  CLI::App& setting = add("set", "Change one flag now");
  setting.footer("Examples:\n  loam flag set checkout observe sampled --percent 10 --reason 'CHG-1182' --wait");
  addAim(setting, *wanted);
  addWhy(setting, *wanted, true);
  setting
      .add_option("--if-revision", wanted->revision, "only when it is still the one that was read; status 4 when not")
      ->option_text("N");
  setting.add_flag("--accept-risk", wanted->acceptRisk, "also where checks fail; who and what is in the audit log");
  setting.add_flag("--wait", wanted->wait, "return when it is in effect at every proxy");
  setting.add_option("--timeout", wanted->timeout, "how long to wait, seconds")
      ->option_text("S")
      ->check(CLI::Range(0, 86400));
  session.runs(setting, [&session, wanted] { return set(session, *wanted); });

  CLI::App& previewing = add("preview", "What setting it would do, and what it needs; status 5 when it cannot be");
  addAim(previewing, *wanted);
  previewing.add_flag("--keep", wanted->keep, "leave it open as a change, for somebody to apply within a day");
  session.runs(previewing, [&session, wanted] { return preview(session, *wanted); });

  CLI::App& killing = add("kill", "Off, at once, whatever the state: a service, a feature, or all");
  const auto all = std::make_shared<bool>(false);
  killing.add_option("service", wanted->service, "only of this service")->option_text("SERVICE");
  killing.add_option("--feature", wanted->feature, "only this feature")->option_text("NAME");
  killing.add_flag("--all", *all, "every feature of every service");
  addWhy(killing, *wanted, false);
  killing.add_option("--timeout", wanted->timeout, "how long to wait for the proxies, seconds")->option_text("S");
  session.runs(killing, [&session, wanted, all] { return kill(session, *wanted, *all); });

  CLI::App& past = add("history", "Every change of one flag");
  addCell(past, *wanted);
  session.runs(past, [&session, wanted] { return history(session, *wanted); });
}

}  // namespace loam::cli
