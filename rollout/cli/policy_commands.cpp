#include <memory>

#include "proxy/base/json.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/settings_argument.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"
#include "rollout/cli/yaml_writer.h"

namespace loam::cli {

namespace {

struct Wanted {
  std::string service, settings;
  std::string form = "yaml";  // of a draft
};

std::string target(const Session& session, const Wanted& wanted, const char* verb) {
  return "/v1/services/" + http::percentEncode(wanted.service) + "/policy/" + verb + "?" + session.windowQuery();
}

/// "node-a 99.8%, node-b 100%".
std::string coverageText(const Json::Value& header) {
  std::string text;
  for (const Json::Value& proxy : header["coverage"]) {
    text.append(text.empty() ? "" : ", ").append(printable(proxy["proxy"].asString())).append(" ");
    text.append(percentText(proxy["share"].asDouble()));
  }
  return text.empty() ? "no proxy reported" : text;
}

std::string windowText(const Json::Value& header) {
  return timeText(header["window"]["from"].asString()) + " to " + timeText(header["window"]["to"].asString());
}

std::string edgeName(const Json::Value& edge) {
  return edge["caller"].asString() + ":" + std::to_string(edge["port"].asUInt()) + "/" + edge["rule"].asString();
}

std::string joined(const Json::Value& texts) {
  std::string out;
  for (const Json::Value& text : texts) out.append(out.empty() ? "" : ", ").append(text.asString());
  return out;
}

void printImpact(const Session& session, const Json::Value& answer) {
  Table table({{.title = "CALLER", .flexible = true},
               {.title = "PORT", .align = Table::Column::Align::Right},
               {.title = "RULE"},
               {.title = "DENIED"},
               {.title = "CONNECTIONS", .align = Table::Column::Align::Right},
               {.title = "LAST SEEN"},
               {.title = session.isWide() ? "CLIENTS" : "", .flexible = true}});
  for (const Json::Value& edge : answer["edges"]) {
    table.add({edge["caller"].asString(), std::to_string(edge["port"].asUInt()), edge["rule"].asString(),
               edge["enforced"].asBool() ? "yes" : "would be", std::to_string(edge["connections"].asUInt64()),
               timeText(edge["last_seen"].asString()), session.isWide() ? joined(edge["clients"]) : ""});
  }
  if (table.rows() != 0) table.print(session.terminal);
  std::ostream& err = session.terminal.err;
  const bool live = answer["source"] == "live";
  err << answer["denied"].asUInt64() << " of " << answer["connections"].asUInt64() << " connections "
      << (live ? "were denied, or would have been (counted by the proxies)" : "would be denied (asked of the record)")
      << "; " << windowText(answer["header"]) << "\n";
  if (answer["exchange_decides"].asUInt64() != 0) {
    err << answer["exchange_decides"].asUInt64()
        << " are admitted for rules that look at requests, which decide then\n";
  }
  err << "coverage: " << coverageText(answer["header"]) << "\n";
  if (live && answer.isMember("changed_at") &&
      answer["changed_at"].asString() > answer["header"]["window"]["from"].asString()) {
    err << "note: the policy was changed at " << timeText(answer["changed_at"].asString())
        << ": older counts are of what it said before\n";
  }
  if (answer["settings"].empty()) err << "note: the service has no policy; ask about one by --settings FILE\n";
}

int simulate(const Session& session, const Wanted& wanted) {
  const std::string at = target(session, wanted, "simulate");
  Outcome<Json::Value> answer = Json::Value();
  if (wanted.settings.empty()) {
    answer = session.get(at);
  } else {
    auto settings = readSettings(wanted.settings);
    if (!settings) return session.end(settings.error());
    Json::Value body(Json::objectValue);
    body["settings"] = *std::move(settings);
    answer = session.change("POST", at, body);
  }
  if (!answer) return session.end(answer.error());
  if (!session.printStructured(*answer, "edges", edgeName)) printImpact(session, *answer);
  return (*answer)["edges"].empty() ? kOk : kNotReady;
}

/// What the draft stands on, as comments.
std::string evidenceText(const Json::Value& draft) {
  const std::string service = printable(draft["service"].asString());
  std::string text = "# Who may call " + service + ", as the record of " + windowText(draft["header"]) + " implies.\n";
  text += "# samples: " + std::to_string(draft["samples"].asUInt64()) + " connections of " +
          std::to_string(draft["rules"].size()) + " callers";
  if (draft.isMember("oldest")) {
    text += "; oldest evidence: " + timeText(draft["oldest"].asString()) + ", " +
            lengthText(draft["age_seconds"].asInt64()) + " before the end";
  }
  text += "\n# coverage: " + coverageText(draft["header"]) +
          "; captured: " + percentText(draft["header"]["captured_share"].asDouble()) + " of the connections\n";
  for (const Json::Value& rule : draft["rules"]) {
    text += "#   " + rule["rule"].asString() + ": " + printable(rule["caller"].asString()) + ", " +
            std::to_string(rule["connections"].asUInt64()) + " connections, last " +
            timeText(rule["last_seen"].asString()) + (rule["proven"].asBool() ? ", proven" : "") +
            (rule["all_ports"].asBool() ? ", too many ports to list: all are allowed" : "") + "\n";
  }
  for (const Json::Value& caller : draft["left_out"])
    text += "#   left out, since a policy denies it already: " + printable(caller.asString()) + "\n";
  return text + "# next: loam flag set " + service + " policy simulate --settings FILE --reason '...'\n";
}

int generate(const Session& session, const Wanted& wanted) {
  const auto draft = session.get(target(session, wanted, "generate"));
  if (!draft) return session.end(draft.error());
  if ((*draft)["rules"].empty()) {
    return session.end({kNotReady, "nobody called " + printable((*draft)["service"].asString()) +
                                       " in this window: a policy of nothing would deny everybody"});
  }
  if (wanted.form == "json") {
    session.terminal.out << writeJsonPretty(*draft);
  } else {
    session.terminal.out << evidenceText(*draft) << writeYaml((*draft)["settings"]);
  }
  return kOk;
}

/// The window of --window, --from and --to; a week where none is given.
void useWindow(const CLI::App& command, Session& session) {
  if (command.count("--window") == 0 && command.count("--from") == 0) session.window = "-7d";
}

void addService(CLI::App& command, Session& session, Wanted& wanted) {
  command.add_option("service", wanted.service, "a service of the graph")->required()->option_text("SERVICE");
  session.addWindow(command);
  session.addController(command);
}

}  // namespace

void addPolicyCommands(CLI::App& app, Session& session) {
  CLI::App& policy = *app.add_subcommand("policy", "Who may call a service: ask the record before it is enforced");
  policy.require_subcommand(1);
  const auto wanted = std::make_shared<Wanted>();

  CLI::App& simulating =
      *policy.add_subcommand("simulate", "Which connections a policy would deny; status 5 when there are any");
  simulating.footer(
      "Examples:\n  loam policy simulate billing --window 7d\n  loam policy simulate billing --settings draft.yaml\n"
      "Tells what the proxies counted. Where they counted nothing, and always with --settings, every recorded\n"
      "connection is asked about. The window is a week where none is given.");
  addService(simulating, session, *wanted);
  simulating.add_option("--settings", wanted->settings, "of another policy than the flag's; - for stdin")
      ->option_text("JSON|FILE");
  session.addOutput(simulating);
  session.runs(simulating, [&session, &simulating, wanted] {
    useWindow(simulating, session);
    return simulate(session, *wanted);
  });

  CLI::App& generating = *policy.add_subcommand("generate", "The allow-list that the record implies");
  generating.footer(
      "Examples:\n  loam policy generate billing > draft.yaml\n"
      "  loam flag set billing policy simulate --settings draft.yaml --reason 'CHG-1182'\n"
      "Denies by default and allows each caller that the window has, on its ports: by its proven identity, else by\n"
      "name, else by address. Status 5 when there is none. The window is a week where none is given.");
  addService(generating, session, *wanted);
  generating.add_option("-o,--output", wanted->form, "yaml: settings with comments; json: settings and evidence")
      ->option_text("FORM")
      ->check(CLI::IsMember({"yaml", "json"}));
  session.runs(generating, [&session, &generating, wanted] {
    useWindow(generating, session);
    return generate(session, *wanted);
  });
}

}  // namespace loam::cli
