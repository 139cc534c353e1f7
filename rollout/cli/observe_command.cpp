#include <netdb.h>

#include <algorithm>
#include <memory>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/graph_view.h"
#include "rollout/cli/observed_host.h"
#include "rollout/cli/passive_look.h"
#include "rollout/cli/pause.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

struct Options {
  bool passive = false;
  std::string listen;
  std::string to;
  std::string length;
  bool now = false;
};

/// Looks for `seconds` (0: until Ctrl-C), and says so.
void announce(const Session& session, const std::string& what, double seconds) {
  session.terminal.err << what
                       << (seconds > 0 ? " for " + lengthText(static_cast<std::int64_t>(seconds))
                                       : "; Ctrl-C ends it and prints the graph")
                       << "\n";
}

int lookPassively(const Session& session, double seconds) {
  constexpr double kEvery = 0.25;
  PassiveLook look;
  announce(session, "reading the kernel's socket table, changing nothing", seconds);
  for (double looked = 0; seconds <= 0 || looked <= seconds; looked += kEvery) {
    const auto sockets = guard::readSockets();
    if (!sockets) return session.end({kError, sockets.error().context});
    look.add(*sockets);
    if (!pauseFor(kEvery)) break;
  }
  Json::Value document(Json::objectValue);
  document["edges"] = look.edges();
  if (session.printStructured(document, "edges", edgeName)) return kOk;
  Table table({{.title = "SOURCE", .flexible = true},
               {.title = "TARGET", .flexible = true},
               {.title = "PORT", .align = Table::Column::Align::Right},
               {.title = "CONNECTIONS", .align = Table::Column::Align::Right}});
  for (const Json::Value& edge : document["edges"]) {
    table.add({edge["source"].asString(), edge["target"].asString(), std::to_string(edge["port"].asUInt()),
               std::to_string(edge["connections"].asUInt64())});
  }
  if (table.rows() == 0) session.terminal.err << "no connection was open\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

/// HOST:PORT as ADDR:PORT: names are looked up once, here.
Outcome<std::string> resolve(const std::string& text) {
  if (const auto address = SocketAddress::parse(text)) return address->text();
  const auto colon = text.rfind(':');
  const Failure failure{kUsage, "--to: expected HOST:PORT, found \"" + printable(text) + "\""};
  if (colon == std::string::npos || colon == 0) return tl::unexpected(failure);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(text.substr(0, colon).c_str(), text.substr(colon + 1).c_str(), &wanted, &found);
  if (error != 0) return tl::unexpected(Failure{kUsage, failure.text + " (" + ::gai_strerror(error) + ")"});
  sockaddr_storage storage{};
  std::copy_n(reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen, reinterpret_cast<char*>(&storage));
  ::freeaddrinfo(found);
  return SocketAddress::from(storage).text();
}

int printGraph(Session& session, const ObservedHost& host, std::int64_t since) {
  session.controller = host.controllerSocket();
  session.showsToken = false;
  const auto graph = session.get("/v1/graph?from=" + std::to_string(since) + "&to=now");
  if (!graph) return session.end(graph.error());
  if (session.printStructured(*graph, "edges", edgeName)) return kOk;
  const Json::Value& edges = (*graph)["edges"];
  if (edges.empty()) session.terminal.err << "no connection came by\n";
  if (edges.empty()) return kOk;
  printHeader(session, (*graph)["header"]);
  edgeTable(edges, session.isWide()).print(session.terminal);
  return kOk;
}

void leave(const Session& session, ObservedHost& host, bool now) {
  constexpr unsigned kWorthSaying = 5;
  unsigned looks = 0;
  for (bool cut = now; !host.end(cut);) {
    if (++looks == kWorthSaying) {
      session.terminal.err << "waiting for relayed connections to end (new ones go direct); Ctrl-C cuts them\n";
    }
    cut = !pauseFor(0.2);
  }
}

int observe(Session& session, const Options& options) {
  constexpr double kLastReports = 3;
  const double seconds = options.length.empty() ? 0 : lengthSeconds(options.length);
  if (seconds < 0) return session.end({kUsage, "--for: expected a length like 30s or 5m"});
  holdSignals();
  if (options.passive) return lookPassively(session, options.length.empty() ? 3 : seconds);
  ObservedHost::Plan plan{options.listen, {}};
  if (!options.listen.empty()) {
    if (!SocketAddress::parse(options.listen)) {
      return session.end({kUsage, "--listen: expected ADDR:PORT, found \"" + printable(options.listen) + "\""});
    }
    const auto to = resolve(options.to);
    if (!to) return session.end(to.error());
    plan.to = *to;
  }
  const std::int64_t since = unixSeconds(SystemClock().wall());
  auto host = ObservedHost::start(plan);
  if (!host) return session.end(host.error());
  session.terminal.err << "loam top --controller " << host->controllerSocket() << "   # in another terminal\n";
  announce(session, plan.listen.empty() ? "observing this host" : "observing " + plan.listen + " -> " + plan.to,
           seconds);
  for (double watched = 0; seconds <= 0 || watched < seconds; watched += 0.2) {
    if (!pauseFor(0.2)) break;
    if (const auto words = host->broken()) return session.end({kError, *words});
  }
  session.terminal.err << "taking the last reports\n";
  pauseFor(kLastReports);
  const int status = printGraph(session, *host, since);
  session.terminal.out.flush();
  leave(session, *host, options.now);
  return status;
}

}  // namespace

void addObserveCommand(CLI::App& app, Session& session) {
  CLI::App& command = *app.add_subcommand("observe", "A first look, with nothing to set up and nothing left behind");
  command.footer(
      "Starts guard, controller and proxy with a private directory, prints the graph on Ctrl-C or after --for, and "
      "takes\n"
      "everything off again: connections that are relayed by then may end first.\n\nExamples:\n"
      "  loam observe --passive                                   # the socket table alone: no rule, no proxy\n"
      "  loam observe --listen 127.0.0.1:8080 --to 10.0.0.7:80    # one port, no privilege\n"
      "  sudo loam observe --for 30s                              # the whole host");
  const auto options = std::make_shared<Options>();
  auto* const passive = command.add_flag("--passive", options->passive, "read the kernel's socket table, 3 s or --for");
  auto* const listen =
      command.add_option("--listen", options->listen, "observe who connects here")->option_text("ADDR:PORT");
  auto* const to = command.add_option("--to", options->to, "and relay them there")->option_text("HOST:PORT");
  listen->needs(to)->excludes(passive);
  to->needs(listen);
  command.add_option("--for", options->length, "end after this time: 30s, 5m")->option_text("TIME");
  command.add_flag("--now", options->now, "at the end cut relayed connections instead of waiting for them");
  session.addOutput(command);
  session.runs(command, [&session, options] { return observe(session, *options); });
}

}  // namespace loam::cli
