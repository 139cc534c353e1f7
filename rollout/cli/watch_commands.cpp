#include <algorithm>
#include <memory>

#include "proxy/base/clock.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/graph_view.h"
#include "rollout/cli/pause.h"
#include "rollout/cli/route_deltas.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

struct TopOptions {
  double interval = 2;
  std::string sort = "rate";
  bool once = false;
};

double sortKey(const Json::Value& edge, const std::string& sort) {
  if (sort == "errors") return edge["errors"].asDouble();
  if (sort == "p99") return edge["p99_ms"].asDouble();
  if (sort == "bytes") return edge["bytes_sent"].asDouble() + edge["bytes_received"].asDouble();
  return edge["rate"].asDouble();
}

/// The first `most` edges by `sort`, greatest first; all with 0.
Json::Value busiest(const Json::Value& edges, const std::string& sort, std::size_t most) {
  std::vector<Json::Value> sorted(edges.begin(), edges.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&sort](const Json::Value& a, const Json::Value& b) { return sortKey(a, sort) > sortKey(b, sort); });
  Json::Value out(Json::arrayValue);
  for (const Json::Value& edge : sorted) {
    if (most != 0 && out.size() == most) break;
    out.append(edge);
  }
  return out;
}

int top(const Session& session, const TopOptions& options) {
  constexpr unsigned kLinesAbove = 5;
  const Terminal& terminal = session.terminal;
  const bool refresh = terminal.interactive && !options.once;
  for (;;) {
    auto graph = session.get("/v1/graph?routes=false&" + session.windowQuery());
    if (!graph) return session.end(graph.error());
    const std::size_t room = refresh && terminal.height > kLinesAbove ? terminal.height - kLinesAbove : 0;
    (*graph)["edges"] = busiest((*graph)["edges"], options.sort, room);
    if (refresh) terminal.out << "\x1b[H\x1b[2J";
    if (!session.printStructured(*graph, "edges", edgeName)) {
      printHeader(session, (*graph)["header"]);
      edgeTable((*graph)["edges"], session.isWide()).print(terminal);
    }
    terminal.out.flush();
    if (options.once || !pauseFor(options.interval)) return kOk;
  }
}

struct TapOptions {
  std::string service;
  double interval = 1;
  std::string length;
};

int tap(const Session& session, const TapOptions& options) {
  const SystemClock clock;
  const std::int64_t start = unixSeconds(clock.wall());
  const double most = options.length.empty() ? 0 : lengthSeconds(options.length);
  if (most < 0) return session.end({kUsage, "--for: expected a length like 30s or 5m"});
  // Everything since a fixed instant: what an answer has more than the one before is new.
  const std::string target =
      "/v1/services/" + http::percentEncode(options.service) + "?from=" + std::to_string(start - 10) + "&to=now";
  RouteDeltas deltas;
  const Monotonic began = clock.now();
  session.terminal.err << "new exchanges of " << printable(options.service)
                       << " as proxies report them, every 2 s; end with Ctrl-C\n";
  for (bool first = true;; first = false) {
    const auto answer = session.get(target);
    // A service that has been silent for a while is in no window yet.
    if (!answer && (answer.error().status != kNotFound || first)) return session.end(answer.error());
    if (answer) {
      const std::string time = timeText((*answer)["header"]["window"]["to"].asString()).substr(11);
      for (const char* side : {"callers", "callees"}) {
        for (const RouteDelta& delta : deltas.take((*answer)[side])) {
          if (!first) session.terminal.out << time << "  " << printable(delta.line()) << "\n";
        }
      }
      session.terminal.out.flush();
    }
    const double ran = std::chrono::duration<double>(clock.now() - began).count();
    if ((most > 0 && ran >= most) || !pauseFor(options.interval)) return kOk;
  }
}

}  // namespace

void addTopCommand(CLI::App& app, Session& session) {
  CLI::App& command = *app.add_subcommand("top", "The busiest edges, again and again");
  command.footer("Examples:\n  loam top --window -1m\n  loam top --once --sort errors");
  const auto options = std::make_shared<TopOptions>();
  command.add_option("--interval", options->interval, "seconds between two looks (2)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.1, 3600.0));
  command.add_option("--sort", options->sort, "rate, errors, p99 or bytes")
      ->option_text("BY")
      ->check(CLI::IsMember({"rate", "errors", "p99", "bytes"}));
  command.add_flag("--once", options->once, "one look, then end");
  session.addOutput(command);
  session.addWindow(command);
  session.addController(command);
  session.runs(command, [&session, options] { return top(session, *options); });
}

void addTapCommand(CLI::App& app, Session& session) {
  CLI::App& command = *app.add_subcommand("tap", "New exchanges of one service, aggregated, as they are reported");
  command.footer(
      "Shows for every edge and route of the service how many exchanges came since the look before, with their\n"
      "errors. Proxies report every 2 s, and they count: no single exchange, header or body is ever recorded, so\n"
      "none can be shown.\n\nExamples:\n  loam tap checkout\n  loam tap orders-db --for 30s");
  const auto options = std::make_shared<TapOptions>();
  command.add_option("service", options->service, "name, id or address")->required()->option_text("SERVICE");
  command.add_option("--interval", options->interval, "seconds between two looks (1)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.1, 3600.0));
  command.add_option("--for", options->length, "end after this time: 30s, 5m")->option_text("TIME");
  session.addController(command);
  session.runs(command, [&session, options] { return tap(session, *options); });
}

}  // namespace loam::cli
