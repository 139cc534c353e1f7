#include <fstream>
#include <memory>

#include "proxy/base/json.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/flag_view.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"
#include "rollout/cli/yaml_reader.h"
#include "rollout/cli/yaml_writer.h"

namespace loam::cli {

namespace {

struct Wanted {
  std::string file, hash, reason, ticket;
  bool dryRun = false;
  bool prune = false;
  bool unified = false;
  bool wait = false;
  std::int64_t timeout = 60;
};

/// `loam diff` has statuses of its own, as diff(1).
constexpr int kDiffers = 1;
constexpr int kTrouble = 2;

std::string valueText(const Json::Value& value) {
  if (value.isNull()) return "-";
  return printable(value.isString() ? value.asString() : writeJson(value));
}

void printUnified(const Session& session, const Json::Value& answer, const std::string& file) {
  const Terminal& terminal = session.terminal;
  terminal.out << terminal.bold() << "--- the controller, revision " << answer["revision"].asUInt64() << "\n+++ "
               << printable(file) << terminal.plain() << "\n";
  for (const Json::Value& one : answer["diff"]) {
    terminal.out << "@@ " << one["kind"].asString() << " " << printable(one["name"].asString()) << " @@\n";
    for (const Json::Value& step : one["fields"]) {
      const std::string path = step["path"].asString();
      const std::string name = path.empty() ? "" : printable(path.substr(1)) + ": ";
      if (step.isMember("from"))
        terminal.out << terminal.red() << "-" << name << valueText(step["from"]) << terminal.plain() << "\n";
      if (step.isMember("value"))
        terminal.out << terminal.green() << "+" << name << valueText(step["value"]) << terminal.plain() << "\n";
    }
  }
}

void printTable(const Session& session, const Json::Value& answer) {
  Table table({{.title = "KIND"},
               {.title = "NAME", .flexible = true},
               {.title = "FIELD"},
               {.title = "IS", .flexible = true},
               {.title = "WANTED", .flexible = true}});
  for (const Json::Value& one : answer["diff"]) {
    for (const Json::Value& step : one["fields"]) {
      const std::string path = step["path"].asString();
      table.add({one["kind"].asString(), one["name"].asString(), path.empty() ? "" : path.substr(1),
                 valueText(step["from"]), valueText(step["value"])});
    }
  }
  if (table.rows() != 0) table.print(session.terminal);
}

void printDiff(const Session& session, const Json::Value& answer, const Wanted& wanted) {
  if (wanted.unified) {
    printUnified(session, answer, wanted.file);
  } else {
    printTable(session, answer);
  }
  for (const Json::Value& warning : answer["warnings"])
    session.terminal.err << "note: " << printable(warning.asString()) << "\n";
}

/// What the file says and what the controller thinks of it; every problem of either, by line and column, at once.
struct Judged {
  Json::Value body;
  Json::Value answer;
};

Outcome<Judged> judge(const Session& session, const Wanted& wanted) {
  YamlProblems problems(wanted.file);
  const auto document = readYaml(wanted.file, problems);
  if (!document) return tl::unexpected(Failure{kError, document.error().context, {}});
  if (!document->value.isObject())
    problems.add(document->placeOf(""), "expected a mapping of flags, services, freezes");
  Judged judged;
  judged.body = document->value.isObject() ? document->value : Json::Value(Json::objectValue);
  for (const char* name : {"reason", "ticket", "hash", "prune"}) {
    if (judged.body.isMember(name))
      problems.add(document->placeOf("/" + std::string(name)), "unknown key \"" + std::string(name) + "\"");
    judged.body.removeMember(name);
  }
  if (wanted.prune) judged.body["prune"] = true;
  if (!wanted.reason.empty()) judged.body["reason"] = wanted.reason;
  if (!wanted.ticket.empty()) judged.body["ticket"] = wanted.ticket;
  const auto answer = session.change("POST", "/v1/import?dry_run=true", judged.body);
  if (answer) judged.answer = *answer;
  const Json::Value& errors = answer ? (*answer)["errors"] : answer.error().problem["errors"];
  if (!answer && errors.empty() && problems.empty()) return tl::unexpected(answer.error());
  for (const Json::Value& error : errors)
    problems.add(document->placeOf(error["pointer"].asString()), printable(error["detail"].asString()));
  if (problems.empty()) return judged;
  const bool waits = judged.answer["code"] == "not_ready";
  return tl::unexpected(Failure{waits ? kNotReady : kUsage, problems.text(), {}});
}

int exportAll(const Session& session, const Wanted& wanted) {
  auto state = session.get("/v1/export");
  if (!state) return session.end(state.error());
  std::string text = "# What is wanted of the mesh: loam diff -f FILE, loam apply -f FILE\n# revision " +
                     std::to_string((*state)["revision"].asUInt64()) + ", " + (*state)["at"].asString() + "\n";
  for (const char* name : {"revision", "at"}) state->removeMember(name);
  if (session.output == "json") text = writeJsonPretty(*state);
  if (session.output != "json") text += writeYaml(*state);
  if (wanted.file.empty() || wanted.file == "-") {
    session.terminal.out << text;
    return kOk;
  }
  std::ofstream out(wanted.file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return session.end({kError, "writing " + wanted.file + " failed", {}});
  return kOk;
}

std::string nameOf(const Json::Value& one) { return one["kind"].asString() + " " + one["name"].asString(); }

int diff(const Session& session, const Wanted& wanted) {
  const auto judged = judge(session, wanted);
  if (!judged) {
    (void)session.end(judged.error());
    return kTrouble;
  }
  if (!session.printStructured(judged->answer, "diff", nameOf)) printDiff(session, judged->answer, wanted);
  return judged->answer["changed"].asBool() ? kDiffers : kOk;
}

int say(const Session& session, const Json::Value& answer, const Wanted& wanted) {
  if (session.printStructured(answer, "diff", nameOf)) return kOk;
  printDiff(session, answer, wanted);
  if (wanted.dryRun && answer.isMember("change")) printPreview(session, answer["change"]);
  if (!answer["changed"].asBool()) {
    session.terminal.err << "nothing changes: it is so already\n";
  } else if (wanted.dryRun) {
    session.terminal.err << "nothing was changed; to apply exactly this: --hash " << answer["hash"].asString() << "\n";
  } else {
    session.terminal.err << "applied, revision " << answer["revision"].asUInt64() << "\n";
  }
  return kOk;
}

int apply(const Session& session, const Wanted& wanted) {
  auto judged = judge(session, wanted);
  if (!judged) return session.end(judged.error());
  if (wanted.dryRun) return say(session, judged->answer, wanted);
  judged->body["hash"] = wanted.hash.empty() ? judged->answer["hash"].asString() : wanted.hash;
  const auto done = session.change("POST", "/v1/import", judged->body);
  if (!done) {
    if (done.error().problem.isMember("import")) printDiff(session, done.error().problem["import"], wanted);
    return session.end(done.error());
  }
  const int status = say(session, *done, wanted);
  if (!wanted.wait || !(*done)["changed"].asBool()) return status;
  return awaitEffect(session, "*", (*done)["revision"].asUInt64(), wanted.timeout);
}

void addFile(CLI::App& command, Wanted& wanted, const char* summary, bool required) {
  auto* const file = command.add_option("-f,--file", wanted.file, summary)->option_text("FILE");
  if (required) file->required();
}

}  // namespace

void addStateCommands(CLI::App& app, Session& session) {
  const auto wanted = std::make_shared<Wanted>();
  CLI::App& exporting = *app.add_subcommand("export", "Everything that is wanted of the mesh, as YAML to keep");
  exporting.footer(
      "Flags that differ from where a service begins, services' settings, freezes; not what is scheduled.\n"
      "The same state gives the same file but for the second line, which says when it was read.");
  addFile(exporting, *wanted, "where to; stdout by default", false);
  session.addOutput(exporting);
  session.addController(exporting);
  session.runs(exporting, [&session, wanted] { return exportAll(session, *wanted); });

  CLI::App& differing = *app.add_subcommand("diff", "What a file wants that is not so; status 1 when there is any");
  differing.footer("Ends with 0 when all is as the file says, 1 when it differs, 2 when that cannot be told.");
  addFile(differing, *wanted, "as of `loam export`; - for stdin", true);
  differing.add_flag("--prune", wanted->prune, "what the file does not name is to go back to where it begins");
  differing.add_flag("--unified", wanted->unified, "lines with - and + instead of a table");
  session.addOutput(differing);
  session.addController(differing);
  session.runs(differing, [&session, wanted] { return diff(session, *wanted); });

  CLI::App& applying = *app.add_subcommand("apply", "Make it so: all that differs in one change, or nothing");
  applying.footer(
      "Examples:\n  loam apply -f mesh.yaml --dry-run\n  loam apply -f mesh.yaml --reason 'CHG-1182' --wait\n"
      "Applied twice it changes nothing the second time. Status 4 when what was seen moved, 5 when a need is not met.");
  addFile(applying, *wanted, "as of `loam export`; - for stdin", true);
  auto* const dry = applying.add_flag("--dry-run", wanted->dryRun, "say what would change, and change nothing");
  applying.add_flag("--prune", wanted->prune, "what the file does not name goes back to where it begins");
  applying.add_flag("--unified", wanted->unified, "lines with - and + instead of a table");
  applying.add_option("--hash", wanted->hash, "of the dry run that was seen; status 4 when it is another now")
      ->option_text("HASH")
      ->excludes(dry);
  applying.add_option("--reason", wanted->reason, "why, for the audit log")->option_text("TEXT");
  applying.add_option("--ticket", wanted->ticket, "its number elsewhere")->option_text("TEXT");
  applying.add_flag("--wait", wanted->wait, "return when it is in effect at every proxy");
  applying.add_option("--timeout", wanted->timeout, "how long to wait, seconds")
      ->option_text("S")
      ->check(CLI::Range(0, 86400));
  session.addOutput(applying);
  session.addController(applying);
  session.runs(applying, [&session, wanted] { return apply(session, *wanted); });
}

}  // namespace loam::cli
