#include "rollout/cli/drain_commands.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "proxy/base/clock.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

struct Wanted {
  std::string proxy, reason, ticket;
  bool wait = false;
  std::int64_t timeout = 60;
};

std::string counted(std::uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string portsText(const Json::Value& drain) {
  std::string text;
  for (const Json::Value& port : drain["explicit_ports"])
    text.append(text.empty() ? "" : ", ").append(printable(port.asString()));
  return text;
}

/// "127.0.0.1:8000 stays open, with 2 connections"; empty where the proxy has no explicit port, or did not say so yet.
std::string openPorts(const Json::Value& drain) {
  if (drain["explicit_ports"].empty()) return {};
  const char* const stays = drain["explicit_ports"].size() == 1 ? " stays open, with " : " stay open, with ";
  return portsText(drain) + stays + counted(drain["explicit_connections"].asUInt64(), "connection");
}

std::string target(const Wanted& wanted, const char* verb = "") {
  return "/v1/fleet/" + http::percentEncode(wanted.proxy) + verb;
}

/// What stands between a proxy and its being drained, or resumed: "" when nothing does.
std::string obstacle(const Json::Value& proxy, const std::string& name) {
  if (!proxy.isMember("contact_seconds_ago")) return name + " has not asked since the controller began";
  if (proxy["silent"].asBool()) return name + " is silent since " + lengthText(proxy["contact_seconds_ago"].asInt64());
  return {};
}

/// How far it is.
struct Look {
  std::optional<ExitStatus> end;  ///< the wait is over
  std::string far;
};

Look lookAtDrain(const Json::Value& proxy, const std::string& name) {
  const Json::Value& drain = proxy["drain"];
  const std::string state = drain["state"].asString();
  const std::uint64_t left = drain["connections"].asUInt64();
  if (state == "drained") return {kOk, "no captured connection is left at " + name};
  if (state == "none" || state == "resuming") return {kConflict, name + " was resumed meanwhile"};
  if (std::string why = obstacle(proxy, name); !why.empty()) return {{}, std::move(why)};
  if (state != "draining") return {{}, "waiting for " + name + " to stop capturing"};
  if (left != 0) return {{}, counted(left, "connection") + " left at " + name};
  return {{}, "clients that were on their way may still come to " + name};
}

Look lookAtResume(const Json::Value& proxy, const std::string& name) {
  const std::string state = proxy["drain"]["state"].asString();
  if (state == "none") return {kOk, name + " takes new connections again"};
  if (state != "resuming") return {kConflict, name + " was drained again meanwhile"};
  std::string why = obstacle(proxy, name);
  return {{}, why.empty() ? "waiting for " + name + " to capture again" : std::move(why)};
}

std::string tooOld(const std::string& name) { return name + " is too old to be drained: it goes on capturing"; }

/// Why waiting would be in vain; empty when it is not.
std::string hopeless(const Json::Value& proxy, const std::string& name) {
  if (proxy["drain"]["state"] == "too_old") return tooOld(name);
  const Json::Value& refused = proxy["refused"];
  const bool refuses = proxy["drift"].asBool() && !refused["reasons"].empty() &&
                       refused["generation"].asUInt64() >= proxy["desired"].asUInt64();
  return refuses ? name + " refuses its snapshot: " + printable(refused["reasons"][0].asString()) : std::string();
}

/// Looks every second until it is done, saying how far it is; kTimeout after the time that was given.
int await(const Session& session, const Wanted& wanted, Look (*lookAt)(const Json::Value&, const std::string&)) {
  const std::string name = printable(wanted.proxy);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(wanted.timeout);
  for (std::string said;;) {
    const auto proxy = session.get(target(wanted));
    if (!proxy) return session.end(proxy.error());
    const Look look = lookAt(*proxy, name);
    if (look.end && *look.end != kOk) return session.end({*look.end, look.far, {}});
    if (look.end) {
      session.terminal.err << look.far << "\n";
      const std::string open = openPorts((*proxy)["drain"]);
      if (!open.empty()) session.terminal.err << open << ": nobody else would answer there\n";
      return kOk;
    }
    if (const std::string never = hopeless(*proxy, name); !never.empty()) return session.end({kNotReady, never, {}});
    const auto now = std::chrono::steady_clock::now();
    if (now >= until) return session.end({kTimeout, "not yet: " + look.far, {}});
    if (look.far != said) session.terminal.err << look.far << std::endl;
    said = look.far;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(std::chrono::seconds(1), until - now));
  }
}

Outcome<Json::Value> ask(const Session& session, const Wanted& wanted, const char* verb) {
  Json::Value body(Json::objectValue);
  body["reason"] = wanted.reason;
  if (!wanted.ticket.empty()) body["ticket"] = wanted.ticket;
  return session.change("POST", target(wanted, verb), body);
}

std::string proxyOf(const Json::Value& answer) { return answer["proxy"].asString(); }

int drain(const Session& session, const Wanted& wanted) {
  const auto answer = ask(session, wanted, "/drain");
  if (!answer) return session.end(answer.error());
  const Json::Value& drain = (*answer)["drain"];
  if (!session.printStructured(*answer, "", proxyOf)) {
    const std::string name = printable(wanted.proxy);
    std::ostream& err = session.terminal.err;
    if ((*answer)["changed"].asBool()) {
      err << name << " is to be drained: as soon as it hears of it, new connections go direct, and what it relays goes "
          << "on until it ends\nits explicit ports (`listen:`), where it has some, stay open; back: loam proxy resume "
          << name << " --reason ...\n";
    } else {
      err << name << " was to be drained already, by " << printable(drain["by"].asString()) << " since "
          << timeText(drain["at"].asString()) << ": " << printable(drain["reason"].asString()) << "\n";
    }
  }
  if (drain["state"] == "too_old" && !wanted.wait) {
    return session.end({kNotReady, tooOld(printable(wanted.proxy)), {}});
  }
  return wanted.wait ? await(session, wanted, lookAtDrain) : static_cast<int>(kOk);
}

int resume(const Session& session, const Wanted& wanted) {
  const auto answer = ask(session, wanted, "/resume");
  if (!answer) return session.end(answer.error());
  const bool goesOn = (*answer)["drain"]["state"] == "none";  // it was never told to be drained
  if (!session.printStructured(*answer, "", proxyOf)) {
    const bool changed = (*answer)["changed"].asBool();
    session.terminal.err << printable(wanted.proxy)
                         << (goesOn && changed ? " had not heard of it, and goes on as it was\n"
                             : changed         ? " is to capture again as soon as it hears of it\n"
                                               : " was not to be drained\n");
  }
  return wanted.wait && !goesOn ? await(session, wanted, lookAtResume) : static_cast<int>(kOk);
}

CLI::App& addVerb(CLI::App& proxy, Session& session, Wanted& wanted, const char* verb, const char* summary) {
  CLI::App& command = *proxy.add_subcommand(verb, summary);
  command.add_option("name", wanted.proxy, "of the proxy")->required()->option_text("PROXY");
  command.add_option("--reason", wanted.reason, "why, for the audit log")->required()->option_text("TEXT");
  command.add_option("--ticket", wanted.ticket, "its number elsewhere")->option_text("TEXT");
  command.add_option("--timeout", wanted.timeout, "how long to wait, seconds")
      ->option_text("S")
      ->check(CLI::Range(0, 86400));
  session.addOutput(command);
  session.addController(command);
  return command;
}

}  // namespace

std::string drainText(const Json::Value& drain) {
  const std::string state = drain["state"].asString();
  if (state == "asked") return "to be drained";
  if (state == "too_old") return "too old to drain";
  if (state == "draining") return "draining, " + std::to_string(drain["connections"].asUInt64()) + " open";
  return state == "drained" || state == "resuming" ? state : std::string();
}

void printDrain(const Session& session, const Json::Value& drain) {
  std::ostream& out = session.terminal.out;
  const std::string text = drainText(drain);
  if (!text.empty()) out << "  drain          " << text;
  if (!text.empty() && drain.isMember("by")) {
    out << "; by " << printable(drain["by"].asString()) << " at " << timeText(drain["at"].asString()) << ": "
        << printable(drain["reason"].asString());
  }
  if (!text.empty()) out << "\n";
  const std::string open = openPorts(drain);
  if (!open.empty()) out << "  explicit       " << open << "\n";
}

void addDrainCommands(CLI::App& proxy, Session& session) {
  const auto wanted = std::make_shared<Wanted>();
  CLI::App& draining = addVerb(proxy, session, *wanted, "drain",
                               "Out of the way of new connections, which go direct; what it relays goes on");
  draining.footer(
      "It goes on observing what it relays, and stays drained across restarts until it is resumed. Explicit ports\n"
      "(`listen:` of its settings) stay open, since nobody else would answer there.\n\n"
      "Examples:\n  loam proxy drain web-1 --reason 'CHG-1182' --wait --timeout 600");
  draining.add_flag("--wait", wanted->wait, "return when it is in effect and no captured connection is left");
  session.runs(draining, [&session, wanted] { return drain(session, *wanted); });
  CLI::App& resuming = addVerb(proxy, session, *wanted, "resume", "New connections come to it again");
  resuming.add_flag("--wait", wanted->wait, "return when it captures again");
  session.runs(resuming, [&session, wanted] { return resume(session, *wanted); });
}

}  // namespace loam::cli
