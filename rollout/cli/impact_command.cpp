#include <memory>

#include "rollout/cli/commands.h"
#include "rollout/cli/settings_argument.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

struct Asked {
  std::string service, feature, settings, stage;
};

/// "12", "12 to 31".
std::string boundsText(const Json::Value& one) {
  const std::string most = std::to_string(one["most"].asUInt64());
  return one["exact"].asBool() ? most : std::to_string(one["least"].asUInt64()) + " to " + most;
}

std::string shareText(const Json::Value& one) {
  const auto all = one["all"].asDouble();
  if (all == 0) return "-";
  const std::string most = percentText(one["most"].asDouble() / all);
  return one["exact"].asBool() ? most : percentText(one["least"].asDouble() / all) + " to " + most;
}

/// Of a caller whom no rule affects it is certain only where the record left no rule open.
std::string certainText(const Json::Value& answer, const Json::Value& row) {
  if (row["rule"].asString().empty() && !answer["unknown"].empty()) return "-";
  return row["exact"].asBool() ? "yes" : "bounds";
}

std::string rowName(const Json::Value& row) {
  const std::string rule = row["rule"].asString();
  return row["caller"].asString() + (rule.empty() ? "" : "/" + rule);
}

/// How good the answer can be, before the answer.
void printGround(std::ostream& out, const Json::Value& answer) {
  const Json::Value& header = answer["header"];
  const Json::Value& record = answer["record"];
  out << "window    " << timeText(header["window"]["from"].asString()) << " to "
      << timeText(header["window"]["to"].asString()) << "\n";
  out << "observed  " << percentText(record["observed"].asDouble()) << " of it";
  if (record.isMember("since")) out << "; the record begins " << timeText(record["since"].asString());
  if (record.isMember("until")) out << ", last report " << timeText(record["until"].asString());
  out << "; captured " << percentText(header["captured_share"].asDouble()) << " of the connections\n";
  for (const Json::Value& sampled : header["sampled"]) {
    const std::string service = sampled["service"].asString();
    if (service != answer["service"].asString() && service != "*") continue;
    out << "sampled   " << percentText(sampled["share"].asDouble()) << " of the connections of "
        << (service == "*" ? "services that are not named" : "the service") << ": counts are of that share\n";
  }
}

void printRows(const Session& session, const Json::Value& answer) {
  constexpr auto kRight = Table::Column::Align::Right;
  Table table({{.title = "CALLER", .flexible = true},
               {.title = "RULE", .flexible = true},
               {.title = "OF", .align = kRight},
               {.title = "COUNTED"},
               {.title = "AFFECTED", .align = kRight},
               {.title = "SHARE", .align = kRight},
               {.title = "CERTAIN"},
               {.title = "WHY", .flexible = true}});
  for (const Json::Value& row : answer["rows"]) {
    const std::string rule = row["rule"].asString();
    table.add({row["caller"].asString(), rule.empty() ? "-" : rule, std::to_string(row["all"].asUInt64()),
               row["counted"].asString(), boundsText(row), shareText(row), certainText(answer, row),
               row["why"].asString()});
  }
  if (table.rows() != 0) table.print(session.terminal);
}

void printVerdicts(const Session& session, const Json::Value& answer) {
  Table table({{.title = "CALLER", .flexible = true},
               {.title = "RULE", .flexible = true},
               {.title = "COUNTED", .align = Table::Column::Align::Right},
               {.title = "ENFORCED"},
               {.title = "LAST"}});
  for (const Json::Value& one : answer["verdicts"]) {
    table.add({one["caller"].asString(), one["rule"].asString(), std::to_string(one["count"].asUInt64()),
               one["enforced"].asBool() ? "yes" : "no", timeText(one["last"].asString())});
  }
  if (table.rows() == 0) return;
  session.terminal.out << "\nwhat the proxies counted in the window:\n";
  table.print(session.terminal);
}

void printRest(const Session& session, const Json::Value& answer) {
  std::ostream& err = session.terminal.err;
  for (const Json::Value& total : answer["totals"]) {
    err << boundsText(total) << " of " << total["all"].asUInt64() << " " << printable(total["counted"].asString())
        << " would be affected" << (answer["unknown"].empty() ? "" : ", as far as the record tells") << "\n";
  }
  for (const Json::Value& one : answer["proposals"]) {
    err << "proposal: " << printable(one["setting"].asString()) << " " << printable(one["value"].asString()) << ", "
        << printable(one["why"].asString()) << "; it would affect " << boundsText(one) << " of "
        << one["all"].asUInt64() << "\n";
  }
  for (const Json::Value& note : answer["notes"]) err << "note: " << printable(note.asString()) << "\n";
  for (const Json::Value& one : answer["unknown"]) {
    err << "not in the record: " << printable(one["what"].asString()) << ": " << printable(one["why"].asString())
        << "\n";
  }
  if (answer.isMember("next")) err << "to learn it: " << printable(answer["next"].asString()) << "\n";
}

int impact(const Session& session, const Asked& asked) {
  const std::string target = "/v1/services/" + http::percentEncode(asked.service) + "/impact/" +
                             http::percentEncode(asked.feature) + "?" + session.windowQuery();
  Json::Value body(Json::objectValue);
  if (!asked.stage.empty()) body["stage"] = asked.stage;
  if (!asked.settings.empty()) {
    auto settings = readSettings(asked.settings);
    if (!settings) return session.end(settings.error());
    body["settings"] = *std::move(settings);
  }
  const auto answer = session.change("POST", target, body);
  if (!answer) return session.end(answer.error());
  if (!session.printStructured(*answer, "rows", rowName)) {
    printGround(session.terminal.out, *answer);
    printRows(session, *answer);
    printVerdicts(session, *answer);
    printRest(session, *answer);
  }
  return (*answer)["verdict"] == "none" ? kOk : kNotReady;
}

}  // namespace

void addImpactCommand(CLI::App& app, Session& session) {
  CLI::App& command =
      *app.add_subcommand("impact", "What a change would do to recorded traffic; status 5 unless it is nothing");
  const auto asked = std::make_shared<Asked>();
  command.add_option("service", asked->service, "a service of the graph")->required()->option_text("SERVICE");
  command.add_option("feature", asked->feature, "policy, timeouts, ...")->required()->option_text("FEATURE");
  command.add_option("--settings", asked->settings, "other settings than the flag's (docs/features.md); - for stdin")
      ->option_text("JSON|FILE");
  command.add_option("--to", asked->stage, "at this stage of its ladder; the last by default")->option_text("STAGE");
  command.add_option("--window", session.window, "how far back from now: 1h, 7d, the default")->option_text("TIME");
  command.footer(
      "Examples:\n  loam impact checkout timeouts --settings draft.yaml --window 7d\n"
      "  loam impact checkout mtls --to strict -o json\n"
      "Answers from the record alone: exactly where it holds enough, with bounds where it leaves something open, and\n"
      "says what it does not hold. Status 0 when nothing would be affected for sure.");
  session.addOutput(command);
  session.addController(command);
  session.runs(command, [&session, &command, asked] {
    if (command.count("--window") == 0) session.window = "-7d";
    return impact(session, *asked);
  });
}

}  // namespace loam::cli
