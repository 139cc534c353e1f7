#include <memory>

#include "proxy/guard/capture_options.h"
#include "proxy/guard/guard_client.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/guard_failure.h"
#include "rollout/cli/pause.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

/// The options as typed.
struct Typed {
  std::string guard;
  guard::CaptureOptions capture;
  bool dryRun = false;
  bool now = false;
};

Result<guard::CaptureSettings> settingsOf(const Typed& typed) {
  guard::CaptureSettings settings;
  LOAM_TRY(typed.capture.addTo(settings));
  if (!settings.outbound && !settings.inbound) {
    return fail(ErrorCode::InvalidArgument, "say what to capture: --outbound, --inbound PORTS (or all), or both");
  }
  return settings;
}

std::string socketOf(const Session& session, const Typed& typed) {
  return typed.guard.empty() ? session.home.guardSocket() : typed.guard;
}

int apply(const Session& session, const Typed& typed) {
  const auto settings = settingsOf(typed);
  if (!settings) return session.end({kUsage, settings.error().context});
  const std::string socket = socketOf(session, typed);
  auto client = guard::GuardClient::connect(socket);
  if (!client) return session.end(guardFailure(socket, client.error()));
  const auto rules = client->applyCapture(*settings, typed.dryRun);
  if (!rules) return session.end(guardFailure(socket, rules.error()));
  if (typed.dryRun) {
    session.terminal.out << *rules;
    return kOk;
  }
  const auto view = client->showCapture();
  if (!view) return session.end(guardFailure(socket, view.error()));
  session.terminal.err << "capture is applied; "
                       << (view->alive ? "new connections come to the proxy"
                                       : "nothing is redirected yet: " + printable(view->whyNotAlive))
                       << "\n";
  return kOk;
}

Json::Value viewJson(const guard::CaptureView& view) {
  Json::Value value(Json::objectValue);
  value["applied"] = view.applied;
  value["alive"] = view.alive;
  value["removing"] = view.removing;
  value["why_not_alive"] = view.whyNotAlive;
  value["proxy_pid"] = view.proxyPid;
  value["workers"] = view.workers;
  value["relayed_connections"] = view.relayed;
  value["why_not_transparent"] = view.whyNotTransparent;
  value["closed"] = Json::Value(Json::arrayValue);
  for (const guard::ClosedWay& way : view.closed) value["closed"].append(way.text());
  value["rules"] = view.rules;
  return value;
}

std::string endpoints(std::size_t count) { return std::to_string(count) + (count == 1 ? " endpoint" : " endpoints"); }

int show(const Session& session, const Typed& typed) {
  const std::string socket = socketOf(session, typed);
  auto client = guard::GuardClient::connect(socket);
  if (!client) return session.end(guardFailure(socket, client.error()));
  const auto view = client->showCapture();
  if (!view) return session.end(guardFailure(socket, view.error()));
  const auto nameOf = [](const Json::Value& one) {
    return std::string(one["removing"].asBool()  ? "removing"
                       : one["alive"].asBool()   ? "alive"
                       : one["applied"].asBool() ? "applied"
                                                 : "none");
  };
  if (session.printStructured(viewJson(*view), "", nameOf)) return kOk;
  std::ostream& out = session.terminal.out;
  out << "capture     "
      << (!view->applied   ? "none"
          : view->removing ? "being removed"
          : view->alive    ? "alive"
                           : "applied, not alive");
  if (view->applied && !view->alive && !view->whyNotAlive.empty()) out << ": " << printable(view->whyNotAlive);
  out << "\nproxy       "
      << (view->proxyPid == 0
              ? "none attached"
              : "pid " + std::to_string(view->proxyPid) + ", " + std::to_string(view->workers) + " workers");
  out << "\nrelayed     " << view->relayed << " connections\naddresses   "
      << (view->whyNotTransparent.empty() ? "servers see the clients' own"
                                          : "servers see this host's: " + printable(view->whyNotTransparent))
      << "\n";
  if (!view->closed.empty()) {
    out << "closed      " << endpoints(endpointsOf(view->closed)) << " to plaintext, also without a proxy:\n";
    for (const guard::ClosedWay& way : view->closed) out << "            " << way.text() << "\n";
  }
  if (!view->rules.empty()) out << "\n" << view->rules;
  return kOk;
}

int remove(const Session& session, const Typed& typed) {
  const std::string socket = socketOf(session, typed);
  auto client = guard::GuardClient::connect(socket);
  if (!client) return session.end(guardFailure(socket, client.error()));
  auto view = client->showCapture();
  if (!view) return session.end(guardFailure(socket, view.error()));
  if (typed.dryRun) {
    session.terminal.out << "would remove capture" << (typed.now ? ", cutting " : ", letting ") << view->relayed
                         << " relayed connections" << (typed.now ? "" : " end first");
    if (!view->closed.empty())
      session.terminal.out << ", opening " << endpoints(endpointsOf(view->closed)) << " to plaintext";
    session.terminal.out << "\n";
    return kOk;
  }
  if (!view->applied && view->closed.empty()) {
    session.terminal.err << "there is no capture to remove\n";
    return kOk;
  }
  if (typed.now) session.terminal.err << "cutting " << view->relayed << " relayed connections\n";
  const auto removal = client->removeCapture(typed.now);
  if (!removal) return session.end(guardFailure(socket, removal.error()));
  if (removal->opened != 0) session.terminal.err << "opened " << endpoints(removal->opened) << " to plaintext\n";
  if (!removal->removed) {
    session.terminal.err << "revoked: new connections go direct. Waiting for " << removal->relayed
                         << " relayed ones to end; Ctrl-C stops waiting, --now cuts them\n";
  }
  for (bool applied = !removal->removed; applied;) {
    if (!pauseFor(0.5)) return kTimeout;
    view = client->showCapture();
    if (!view) return session.end(guardFailure(socket, view.error()));
    applied = view->applied;
  }
  session.terminal.err << "capture is removed\n";
  return kOk;
}

void addGuard(CLI::App& command, Typed& typed) {
  command.add_option("--guard", typed.guard, "socket of loam-guard ($LOAM_HOME/run/guard.sock)")->option_text("PATH");
}

}  // namespace

void addCaptureCommands(CLI::App& app, Session& session) {
  CLI::App& capture = *app.add_subcommand("capture", "The kernel rules that send connections to the proxy");
  capture.require_subcommand(1);
  const auto typed = std::make_shared<Typed>();
  const auto add = [&](CLI::App& command, int (*act)(const Session&, const Typed&)) {
    addGuard(command, *typed);
    session.runs(command, [&session, typed, act] { return act(session, *typed); });
  };

  CLI::App& applying = *capture.add_subcommand("apply", "Apply it, or replace it while traffic runs");
  applying.footer(
      "Connections that are open stay as they are.\n\nExamples:\n"
      "  loam capture apply --outbound --inbound all --dry-run\n  loam capture apply --outbound --exclude-port 22");
  typed->capture.declare(applying);
  applying.add_flag("--dry-run", typed->dryRun, "print the rules and change nothing");
  add(applying, apply);

  CLI::App& showing = *capture.add_subcommand("show", "How it stands, and its rules");
  session.addOutput(showing);
  add(showing, show);

  CLI::App& removing = *capture.add_subcommand("remove", "Take it off without cutting a connection");
  removing.add_flag("--now", typed->now, "do not wait for relayed connections: cut them");
  removing.add_flag("--dry-run", typed->dryRun, "say what would be cut and change nothing");
  add(removing, remove);
}

}  // namespace loam::cli
