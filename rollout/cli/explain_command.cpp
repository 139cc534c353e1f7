#include <memory>

#include "rollout/cli/commands.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

struct Asked {
  std::string client, destination;
};

std::string wordsOf(std::string outcome) {
  if (outcome == "would_be_denied") return "carried, and counted as would-be-denied";
  if (outcome == "depends") return "depends on what else is open and comes then";
  if (outcome == "unknown") return "nobody can tell";
  return outcome == "admitted" ? "carried" : "refused";
}

/// "web (10.0.0.1) -> 10.0.0.2:5432 in plaintext, at db-1".
std::string titleOf(const Json::Value& one, const std::string& service) {
  const std::string caller = one["caller"].asString();
  std::string text = caller.empty() ? one["client"].asString() : caller + " (" + one["client"].asString() + ")";
  text += " -> " + service + " (" + one["destination"].asString() + ")";
  text += one.isMember("identity") ? " as " + one["identity"].asString() : " in plaintext";
  return one.isMember("proxy") ? text + ", at " + one["proxy"].asString() : text;
}

std::string nameOf(const Json::Value& one) {
  return one["client"].asString() + ">" + one["destination"].asString() + "=" + one["outcome"].asString();
}

/// "enforce 25 %, revision 12, by ann at 2026-11-22 20:55:10: CHG-1182".
std::string flagText(const Json::Value& word) {
  std::string text = word["stage"].asString();
  if (word["percent"].asString() != "100") text += " " + word["percent"].asString() + " %";
  if (!word["caller_is_in"].asBool()) text += ", not for this caller";
  if (!word.isMember("revision")) return text;
  text += ", revision " + std::to_string(word["revision"].asUInt64()) + ", by " + word["by"].asString() + " at " +
          timeText(word["changed_at"].asString());
  return word["reason"].asString().empty() ? text : text + ": " + word["reason"].asString();
}

/// "policy: carried; enforce 25 %, not for this caller, ...".
void printWord(const Session& session, const Json::Value& word) {
  const Terminal& terminal = session.terminal;
  std::string said = wordsOf(word["outcome"].asString());
  if (word.isMember("rule")) said += " by the rule " + word["rule"].asString();
  terminal.out << "  " << terminal.bold() << printable(word["feature"].asString()) << terminal.plain() << "  "
               << printable(said) << "\n    flag        " << printable(flagText(word)) << "\n";
  if (!word.isMember("one_stage_earlier")) return;
  const Json::Value& earlier = word["one_stage_earlier"];
  terminal.out << "    at " << printable(earlier["stage"].asString()) << ", one stage earlier, it would be "
               << wordsOf(earlier["outcome"].asString()) << "\n";
}

void printSnapshot(const Session& session, const Json::Value& snapshot) {
  const auto number = [&](const char* name) { return std::to_string(snapshot[name].asUInt64()); };
  session.terminal.out << "  snapshot      generation " << number("generation");
  const bool runs = snapshot["in_effect"].asUInt64() >= snapshot["generation"].asUInt64();
  if (runs) session.terminal.out << ", in effect\n";
  if (!runs) {
    session.terminal.out << ", not in effect yet: the proxy acknowledged " << number("acknowledged") << " and runs "
                         << number("in_effect") << "\n";
  }
}

void printConnection(const Session& session, const Json::Value& one, const std::string& service) {
  const Terminal& terminal = session.terminal;
  terminal.out << terminal.bold() << printable(titleOf(one, service)) << terminal.plain() << ": "
               << wordsOf(one["outcome"].asString()) << "\n";
  if (one.isMember("why")) terminal.out << "  " << printable(one["why"].asString()) << "\n";
  if (one.isMember("cause")) {
    terminal.out << "  cause         " << printable(one["cause"]["feature"].asString()) << ", "
                 << printable(one["cause"]["rule"].asString()) << "\n";
  }
  if (one.isMember("snapshot")) printSnapshot(session, one["snapshot"]);
  for (const Json::Value& word : one["features"]) printWord(session, word);
  if (one["features"].empty() && !one.isMember("why"))
    terminal.out << "  no feature of the service acts on connections\n";
}

void printRefusals(const Session& session, const Json::Value& answer) {
  Table table({{.title = "CLIENT"},
               {.title = "DESTINATION"},
               {.title = "FEATURE"},
               {.title = "RULE"},
               {.title = "REFUSED"},
               {.title = "CONNECTIONS", .align = Table::Column::Align::Right},
               {.title = "LAST"},
               {.title = "GENERATION", .align = Table::Column::Align::Right},
               {.title = "PROXY"},
               {.title = session.isWide() ? "IDENTITY" : "", .flexible = true}});
  for (const Json::Value& one : answer["refusals"]) {
    table.add({one["client"].asString(), one["destination"].asString(), one["feature"].asString(),
               one["rule"].asString(), one["enforced"].asBool() ? "yes" : "would be",
               std::to_string(one["connections"].asUInt64()), timeText(one["last_seen"].asString()),
               one.isMember("generation") ? std::to_string(one["generation"].asUInt64()) : "-",
               one.isMember("proxy") ? one["proxy"].asString() : "-",
               session.isWide() ? one["identity"].asString() : ""});
  }
  if (table.rows() == 0) {
    session.terminal.err << "none of them was refused in this window\n";
    return;
  }
  session.terminal.out << "\n";
  table.print(session.terminal);
}

int explain(const Session& session, const Asked& asked) {
  std::string target = "/v1/explain?" + session.windowQuery();
  addParameter(target, "client", asked.client);
  addParameter(target, "destination", asked.destination);
  const auto answer = session.get(target);
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "connections", nameOf)) return kOk;
  for (const Json::Value& one : (*answer)["connections"])
    printConnection(session, one, (*answer)["service"].asString());
  printRefusals(session, *answer);
  return kOk;
}

}  // namespace

void addExplainCommand(CLI::App& app, Session& session) {
  CLI::App& command = *app.add_subcommand(
      "explain", "Why a connection is refused: by which feature, rule and flag, under which snapshot, and since when");
  command.footer(
      "Examples:\n  loam explain web billing:5432\n  loam explain 10.0.0.7 10.0.0.2:5432 --window 1h\n"
      "Asks what the proxies beside the destination are told, as they would ask it, and shows what one stage earlier\n"
      "would have done; below stands what they did refuse. The window is a week where none is given.");
  const auto asked = std::make_shared<Asked>();
  command.add_option("client", asked->client, "who calls: a service, or an address")
      ->required()
      ->option_text("SERVICE|ADDRESS");
  command.add_option("destination", asked->destination, "what was called: an address and port, or a service")
      ->required()
      ->option_text("SERVICE[:PORT]|ADDRESS:PORT");
  session.addOutput(command);
  session.addWindow(command);
  session.addController(command);
  session.runs(command, [&session, &command, asked] {
    if (command.count("--window") == 0 && command.count("--from") == 0) session.window = "-7d";
    return explain(session, *asked);
  });
}

}  // namespace loam::cli
