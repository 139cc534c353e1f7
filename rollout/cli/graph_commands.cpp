#include <fstream>
#include <memory>

#include "rollout/cli/commands.h"
#include "rollout/cli/graph_view.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

/// Which part of the graph.
struct Part {
  std::string focus;
  std::string depth;
  std::string protocol;
  std::string collapse;
  std::string minRate;

  std::string query(const Session& session) const {
    std::string text = "?" + session.windowQuery();
    addParameter(text, "focus", focus);
    addParameter(text, "depth", depth);
    addParameter(text, "protocol", protocol);
    addParameter(text, "collapse", collapse);
    addParameter(text, "min_rate", minRate);
    return text;
  }
};

std::shared_ptr<Part> addPart(CLI::App& command) {
  auto part = std::make_shared<Part>();
  auto* const focus = command.add_option("--focus", part->focus, "only what is near this service");
  focus->option_text("NAME");
  command.add_option("--depth", part->depth, "how many edges away from --focus (1)")->option_text("N")->needs(focus);
  command.add_option("--protocol", part->protocol, "only edges of this protocol")->option_text("NAME");
  command.add_option("--collapse", part->collapse, "service, instance or external")->option_text("WAY");
  command.add_option("--min-rate", part->minRate, "only edges with that many exchanges a second")->option_text("N");
  return part;
}

int show(const Session& session, const Part& part) {
  const auto graph = session.get("/v1/graph" + part.query(session));
  if (!graph) return session.end(graph.error());
  if (session.printStructured(*graph, "edges", edgeName)) return kOk;
  printHeader(session, (*graph)["header"]);
  const Json::Value& edges = (*graph)["edges"];
  if (edges.empty()) {
    session.terminal.err << "no edges in this window\n";
    return kOk;
  }
  edgeTable(edges, session.isWide()).print(session.terminal);
  return kOk;
}

int exportTo(const Session& session, const Part& part, const std::string& format, const std::string& file) {
  std::string target = "/v1/graph/export" + part.query(session);
  addParameter(target, "format", format);
  const auto response = session.send({.target = target});
  if (!response) return session.end(response.error());
  if (file.empty()) {
    session.terminal.out << response->body;
    return kOk;
  }
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << response->body;
  out.close();
  if (!out) return session.end({kError, "writing " + file + " failed"});
  return kOk;
}

/// "-7d..-1d" or "-7d" (to now) into the two parameters.
bool addRange(std::string& target, const std::string& range, const char* from, const char* to) {
  const auto dots = range.find("..");
  const std::string start = range.substr(0, dots);
  const std::string end = dots == std::string::npos ? "now" : range.substr(dots + 2);
  if (start.empty() || end.empty()) return false;
  addParameter(target, from, start);
  addParameter(target, to, end);
  return true;
}

std::string differenceLine(const Json::Value& difference) {
  const std::string kind = difference["kind"].asString();
  const char* sign = kind == "NEW" ? "+ " : kind == "GONE" ? "- " : "~ ";
  return sign + printable(edgeName(difference)) + "  " + kind + "  " + printable(difference["what"].asString());
}

int diff(const Session& session, const std::string& before, const std::string& after, const Part& part) {
  std::string target = "/v1/graph/diff";
  if (!addRange(target, before, "from_a", "to_a") || !addRange(target, after, "from_b", "to_b")) {
    return session.end({kUsage, "a window is FROM..TO, for instance -2h..-1h"});
  }
  addParameter(target, "focus", part.focus);
  addParameter(target, "depth", part.depth);
  addParameter(target, "protocol", part.protocol);
  addParameter(target, "collapse", part.collapse);
  const auto answer = session.get(target);
  if (!answer) return session.end(answer.error());
  const Json::Value& differences = (*answer)["differences"];
  const int status = differences.empty() ? 0 : 1;
  if (session.printStructured(*answer, "differences", edgeName)) return status;
  const Terminal& terminal = session.terminal;
  for (const Json::Value& difference : differences) {
    const std::string kind = difference["kind"].asString();
    terminal.out << (kind == "NEW"    ? terminal.green()
                     : kind == "GONE" ? terminal.red()
                                      : terminal.yellow())
                 << differenceLine(difference) << terminal.plain() << "\n";
  }
  if (const auto unsure = (*answer)["unsure"].asUInt64(); unsure != 0) {
    terminal.err << unsure << " edges are missing from a window that was not covered well enough to call them gone\n";
  }
  return status;
}

}  // namespace

void addGraphCommands(CLI::App& app, Session& session) {
  CLI::App& graph = *app.add_subcommand("graph", "Who calls whom");
  graph.require_subcommand(1);

  CLI::App& showing = *graph.add_subcommand("show", "Edges with their rate, errors and latency");
  showing.footer("Examples:\n  loam graph show --window -1h\n  loam graph show --focus checkout --depth 2 -o wide");
  session.addOutput(showing);
  session.addWindow(showing);
  session.addController(showing);
  session.runs(showing, [&session, part = addPart(showing)] { return show(session, *part); });

  CLI::App& exporting = *graph.add_subcommand("export", "The graph in a form of other tools");
  exporting.footer(
      "Examples:\n  loam graph export --format dot | dot -Tsvg > graph.svg\n"
      "  loam graph export --format openmetrics --file graph.prom");
  const auto format = std::make_shared<std::string>("json");
  const auto file = std::make_shared<std::string>();
  exporting.add_option("--format", *format, "json, dot, mermaid, graphml, cytoscape, csv, ndjson or openmetrics")
      ->option_text("FORM");
  exporting.add_option("--file", *file, "write there instead of stdout")->option_text("FILE");
  session.addWindow(exporting);
  session.addController(exporting);
  session.runs(exporting, [&session, part = addPart(exporting), format, file] {
    return exportTo(session, *part, *format, *file);
  });

  CLI::App& differing =
      *graph.add_subcommand("diff", "What differs between two windows; ends with 1 when something does");
  differing.footer(
      "Examples:\n  loam graph diff -2h..-1h -1h\n  loam graph diff --before -8d..-7d --after -1d..now\n"
      "Ends with 0 when nothing differs, with 1 when something does, with 2 or more on an error.");
  const auto before = std::make_shared<std::string>("-2h..-1h");
  const auto after = std::make_shared<std::string>("-1h..now");
  differing.add_option("before,--before", *before, "the earlier window, FROM..TO")->option_text("WINDOW");
  differing.add_option("after,--after", *after, "the later window, FROM..TO or FROM")->option_text("WINDOW");
  session.addOutput(differing);
  session.addController(differing);
  session.runs(differing,
               [&session, part = addPart(differing), before, after] { return diff(session, *before, *after, *part); });
}

}  // namespace loam::cli
