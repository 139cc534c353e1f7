#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <memory>

#include "proxy/base/clock.h"
#include "proxy/base/kill_file.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/drain_commands.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

constexpr auto kRight = Table::Column::Align::Right;
/// A proxy reports every 2 s: longer than this it is missing.
constexpr std::int64_t kSilent = 15;

std::string nameOf(const Json::Value& proxy) { return proxy["name"].asString(); }

/// "in effect", "behind", "refuses", "killed", "never asked": how a proxy stands to what it is to run.
std::string standingOf(const Json::Value& steered) {
  if (!steered.isMember("contact_seconds_ago")) return "never asked";
  if (steered["silent"].asBool()) return "silent";
  if (steered["killed"].asBool()) return "killed";
  if (!steered["drift"].asBool()) return "in effect";
  const bool refuses = steered["refused"]["generation"].asUInt64() >= steered["desired"].asUInt64();
  return refuses ? "refuses" : "behind";
}

/// The same, and whether it is drained: "draining, 3 open", "killed, drained".
std::string standing(const Json::Value& steered) {
  const std::string text = standingOf(steered);
  const std::string drain = drainText(steered["drain"]);
  if (drain.empty()) return text;
  return text == "in effect" ? drain : text + ", " + drain;
}

/// Those that report and those that ask for snapshots are the same proxies but for a while after a start.
Outcome<Json::Value> gather(const Session& session) {
  auto reporting = session.get("/v1/proxies");
  if (!reporting) return reporting;
  const auto fleet = session.getAll("/v1/fleet", "proxies");
  if (!fleet) return fleet;
  std::map<std::string, Json::Value> all;
  for (const Json::Value& one : (*reporting)["proxies"]) all[nameOf(one)] = one;
  for (const Json::Value& one : (*fleet)["proxies"]) {
    all[nameOf(one)]["name"] = one["name"];
    all[nameOf(one)]["fleet"] = one;
  }
  Json::Value out = *std::move(reporting);
  out["proxies"] = Json::Value(Json::arrayValue);
  for (auto& [name, one] : all) out["proxies"].append(std::move(one));
  return out;
}

int list(const Session& session) {
  const auto answer = gather(session);
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "proxies", nameOf)) return kOk;
  Table table({{.title = "NAME", .flexible = true},
               {.title = "ROLE"},
               {.title = "STATE"},
               {.title = "SNAPSHOT"},
               {.title = "LAST REPORT", .align = kRight},
               {.title = "REPORTS", .align = kRight},
               {.title = "LOST RECORDS", .align = kRight},
               {.title = "LOST REPORTS", .align = kRight},
               {.title = "UNDECODED", .align = kRight}});
  for (const Json::Value& proxy : (*answer)["proxies"]) {
    const bool reports = proxy.isMember("reports");
    const std::int64_t silent = proxy["silent_seconds"].asInt64();
    const Json::Value& lost = proxy["lost"];
    const auto count = [&](const Json::Value& value) { return reports ? std::to_string(value.asUInt64()) : "-"; };
    table.add({nameOf(proxy), proxy["role"].asString(),
               !reports            ? "-"
               : silent <= kSilent ? "reporting"
                                   : "silent",
               standing(proxy["fleet"]), reports ? lengthText(std::max<std::int64_t>(silent, 0)) + " ago" : "-",
               count(proxy["reports"]), count(lost["records"]), count(lost["reports"]), count(lost["decoders"])});
  }
  if (table.rows() == 0) session.terminal.err << "no proxy has reported yet\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

int describe(const Session& session, const std::string& name) {
  const auto answer = session.get("/v1/fleet/" + http::percentEncode(name));
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "", nameOf)) return kOk;
  const Json::Value& proxy = *answer;
  std::ostream& out = session.terminal.out;
  if (proxy.isMember("contact_seconds_ago")) {
    out << printable(name) << "  version " << printable(proxy["version"].asString()) << ", heard of "
        << lengthText(proxy["contact_seconds_ago"].asInt64()) << " ago, " << standing(proxy) << "\n";
  } else {
    out << printable(name) << "  " << standing(proxy) << "\n";
  }
  out << "  generation     desired " << proxy["desired"].asUInt64() << ", acknowledged "
      << proxy["acknowledged"].asUInt64() << ", in effect " << proxy["in_effect"].asUInt64() << "\n";
  if (proxy["killed"].asBool()) {
    out << "  killed         on its own host: it carries out no feature but observing (`loam proxy restore --local`)\n";
  }
  printDrain(session, proxy["drain"]);
  if (proxy.isMember("clock_ahead_seconds")) {
    out << "  clock          " << clockText(proxy["clock_ahead_seconds"].asInt64())
        << (proxy["clock_off"].asBool() ? ": set one of them right" : "") << "\n";
  }
  out << "  snapshot       " << bytesText(proxy["snapshot_bytes"].asUInt64()) << "\n";
  out << "  connections    " << proxy["old_connections"].asUInt64() << " live ones began under an earlier generation\n";
  for (const Json::Value& reason : proxy["refused"]["reasons"]) {
    out << "  refuses        generation " << proxy["refused"]["generation"].asUInt64() << ": "
        << printable(reason.asString()) << "\n";
  }
  for (const Json::Value& one : proxy["withheld"]) {
    out << "  cannot         " << printable(one["capability"].asString()) << " for "
        << printable(one["service"].asString()) << ": it is off there\n";
  }
  return kOk;
}

/// What is done without a controller, by the state directory of this host's proxy.
struct Local {
  bool local = false;
  std::string stateDirectory;
  std::string reason;

  std::string directory(const Session& session) const {
    return stateDirectory.empty() ? session.home.state : stateDirectory;
  }
};

std::string whoTypes() {
  if (const char* name = std::getenv("SUDO_USER"); name != nullptr && *name != '\0')
    return std::string(name) + " (sudo)";
  const passwd* const user = ::getpwuid(::getuid());
  return user != nullptr ? user->pw_name : "user " + std::to_string(::getuid());
}

Failure notSaid(std::string_view verb) {
  return {kUsage, "say --local: `loam proxy " + std::string(verb) +
                      "` is for this host and needs no controller; `loam flag kill` is for all"};
}

Failure localFailure(const Error& error, const std::string& directory) {
  switch (error.code) {
    case ErrorCode::Denied:
      return {kDenied, error.context + ": be root, or the user of loam-proxy"};
    case ErrorCode::NotFound:
      return {kNotFound, "no state directory " + printable(directory) + ": name the proxy's by --state-dir"};
    default:
      return {kError, error.context};
  }
}

int killLocal(const Session& session, const Local& asked) {
  if (!asked.local) return session.end(notSaid("kill"));
  const std::string directory = asked.directory(session);
  const KillOrder order{whoTypes(), unixSeconds(SystemClock().wall()), asked.reason};
  if (const Status written = writeKill(directory, order); !written) {
    return session.end(localFailure(written.error(), directory));
  }
  session.terminal.err << "killed: within a second a proxy whose state is in " << printable(directory)
                       << " carries out no feature but observing, also when it starts anew; `loam proxy restore "
                          "--local` takes it back\n";
  return kOk;
}

int restoreLocal(const Session& session, const Local& asked) {
  if (!asked.local) return session.end(notSaid("restore"));
  const std::string directory = asked.directory(session);
  const auto removed = removeKill(directory);
  if (!removed) return session.end(localFailure(removed.error(), directory));
  session.terminal.err << (*removed ? "restored: features are as the controller says again\n"
                                    : "nothing was killed on this host\n");
  return kOk;
}

void addLocalCommands(CLI::App& proxy, Session& session) {
  const auto asked = std::make_shared<Local>();
  const auto add = [&](const char* verb, const char* says) -> CLI::App& {
    CLI::App& command = *proxy.add_subcommand(verb, says);
    command.add_flag("--local", asked->local, "this host's proxy, without network and controller");
    command.add_option("--state-dir", asked->stateDirectory, "the proxy's state_dir ($LOAM_HOME, else /var/lib/loam)")
        ->option_text("DIR");
    return command;
  };
  CLI::App& killing =
      add("kill", "Break glass: switches every feature but observing off on this host, within a second");
  killing.add_option("--reason", asked->reason, "for the log and whoever looks")->option_text("TEXT");
  session.runs(killing, [&session, asked] { return killLocal(session, *asked); });
  CLI::App& restoring = add("restore", "Takes a kill of this host back");
  session.runs(restoring, [&session, asked] { return restoreLocal(session, *asked); });
}

}  // namespace

void addProxyCommands(CLI::App& app, Session& session) {
  CLI::App& proxy =
      *app.add_subcommand("proxy", "Proxies: what they report and run, and how to take one out of the way");
  proxy.require_subcommand(1);
  CLI::App& listing = *proxy.add_subcommand(
      "list", "All that ever reported, with what they lost and whether they run what they are to");
  session.addOutput(listing);
  session.addController(listing);
  session.runs(listing, [&session] { return list(session); });
  CLI::App& describing =
      *proxy.add_subcommand("describe", "One: desired, acknowledged and in effect, and what stands against it");
  const auto name = std::make_shared<std::string>();
  describing.add_option("name", *name, "of the proxy")->required()->option_text("PROXY");
  session.addOutput(describing);
  session.addController(describing);
  session.runs(describing, [&session, name] { return describe(session, *name); });
  addDrainCommands(proxy, session);
  addLocalCommands(proxy, session);
}

}  // namespace loam::cli
