#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include "proxy/base/utc.h"
#include "proxy/guard/guard_client.h"
#include "proxy/guard/preflight.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

using guard::PreflightCheck;
using Verdict = PreflightCheck::Verdict;

constexpr std::int64_t kSilentSeconds = 15;

const char* nameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::Ok:
      return "ok";
    case Verdict::Warn:
      return "warn";
    default:
      return "fail";
  }
}

/// The controller, and what it knows of its proxies.
void checkController(const Session& session, std::vector<PreflightCheck>& checks) {
  PreflightCheck reach{"LD-0201", Verdict::Ok, "controller", "ready", ""};
  const auto ready = session.get("/readyz");
  if (!ready) {
    const bool absent = ready.error().status == kUnreachable;
    reach.verdict = absent ? Verdict::Warn : Verdict::Fail;
    reach.measured = ready.error().text;
    reach.fix = absent ? "loam-controller &" : "look at the controller's log";
    checks.push_back(reach);
    return;
  }
  checks.push_back(reach);
  const auto proxies = session.get("/v1/proxies");
  if (!proxies) return;
  PreflightCheck reporting{"LD-0202", Verdict::Ok, "proxies report", "", ""};
  PreflightCheck losses{"LD-0203", Verdict::Ok, "nothing is lost", "", ""};
  for (const Json::Value& proxy : (*proxies)["proxies"]) {
    const std::string name = printable(proxy["name"].asString());
    const auto add = [&name](PreflightCheck& check, const std::string& what) {
      check.verdict = Verdict::Warn;
      check.measured.append(check.measured.empty() ? "" : "; ").append(name).append(": ").append(what);
    };
    const std::int64_t silent = proxy["silent_seconds"].asInt64();
    if (silent > kSilentSeconds) add(reporting, "silent for " + lengthText(silent));
    const std::uint64_t lost = proxy["lost"]["records"].asUInt64() + proxy["lost"]["reports"].asUInt64();
    if (lost != 0) add(losses, std::to_string(lost) + " records and reports lost since it started");
  }
  const auto count = (*proxies)["proxies"].size();
  if (count == 0) {
    reporting.verdict = Verdict::Warn;
    reporting.measured = "no proxy has reported yet";
    reporting.fix = "loam-proxy --config FILE, with `controller:` naming this controller";
  } else if (reporting.verdict == Verdict::Ok) {
    reporting.measured = std::to_string(count) + " in the last " + std::to_string(kSilentSeconds) + "s";
  } else {
    reporting.fix = "start them again, or look whether their `controller:` is this one";
  }
  if (losses.verdict == Verdict::Ok) losses.measured = "no losses reported";
  if (losses.verdict != Verdict::Ok)
    losses.fix = "loam proxy list; a full spool or too few workers are the usual causes";
  checks.push_back(reporting);
  if (count != 0) checks.push_back(losses);
}

/// Whether proxies have the controller's time.
PreflightCheck checkClocks(const Json::Value& proxies) {
  PreflightCheck clocks{"LD-0209", Verdict::Ok, "clocks agree with the controller's", "all that say what they show",
                        ""};
  std::string off;
  for (const Json::Value& proxy : proxies) {
    if (!proxy["clock_off"].asBool()) continue;
    off.append(off.empty() ? "" : ", ").append(proxy["name"].asString()).append(" is ");
    off.append(clockText(proxy["clock_ahead_seconds"].asInt64()));
  }
  if (!off.empty()) {
    clocks.verdict = Verdict::Warn;
    clocks.measured = off;
    clocks.fix = "set the clock right, there or on the controller's host (chronyc tracking, timedatectl)";
  }
  return clocks;
}

/// What of the controller itself is in the way.
void checkKeeping(const Session& session, std::vector<PreflightCheck>& checks) {
  const auto state = session.get("/v1/controller");
  if (!state) return;
  PreflightCheck journal{"LD-0204", Verdict::Ok, "flags can be written", "yes", ""};
  if ((*state)["journalled"].asBool()) {
    journal.verdict = Verdict::Fail;
    journal.measured = "control.db cannot be written: kills are in the emergency journal, and nothing else is taken";
    journal.fix = "make room on the controller's disk; it recovers by itself";
  }
  checks.push_back(journal);
  PreflightCheck silent{"LD-0205", Verdict::Ok, "proxies ask what they are to run", "all that the record knows", ""};
  const auto fleet = session.getAll("/v1/fleet", "proxies");
  if (!fleet) return;
  std::string names;
  for (const Json::Value& proxy : (*fleet)["proxies"]) {
    if (proxy["silent"].asBool()) names.append(names.empty() ? "" : ", ").append(proxy["name"].asString());
  }
  if (!names.empty()) {
    silent.verdict = Verdict::Warn;
    silent.measured = "silent: " + names;
    silent.fix = "loam proxy describe NAME; they go on with the last snapshot that they acknowledged";
  }
  checks.push_back(silent);
  checks.push_back(checkClocks((*fleet)["proxies"]));
}

/// Whether proxies' certificates are renewed in time: at about half of their lives. Nothing without an authority.
void checkCertificates(const Session& session, std::vector<PreflightCheck>& checks) {
  const auto issued = session.get("/v1/identity/certificates");
  if (!issued) return;
  PreflightCheck renewed{"LD-0210", Verdict::Ok, "certificates are renewed in time", "", ""};
  std::size_t good = 0;
  for (const Json::Value& one : (*issued)["certificates"]) {
    if (one["superseded"].asBool() || one["denied"].asBool()) continue;
    const std::int64_t left = one["seconds_left"].asInt64();
    const auto from = parseUtc(one["not_before"].asString());
    const auto to = parseUtc(one["not_after"].asString());
    if (!from || !to || left * 5 >= (*to - *from) * 2) {
      ++good;
      continue;
    }
    renewed.verdict = Verdict::Warn;
    renewed.measured.append(renewed.measured.empty() ? "" : ", ").append(one["name"].asString());
    renewed.measured.append(" has ").append(lengthText(left)).append(" left");
  }
  if (renewed.verdict == Verdict::Ok) renewed.measured = std::to_string(good) + " proxies'";
  if (renewed.verdict != Verdict::Ok)
    renewed.fix = "look at that proxy's log and /readyz; one that was taken down needs none";
  checks.push_back(renewed);
}

/// Room where state is kept on this host.
void checkDisk(const Session& session, std::vector<PreflightCheck>& checks) {
  constexpr std::uintmax_t kLeast = 200ULL * 1024 * 1024;
  constexpr std::uintmax_t kShare = 20;
  std::error_code unknown;
  const auto space = std::filesystem::space(session.home.state, unknown);
  if (unknown) return;  // nothing of ours is here
  PreflightCheck disk{"LD-0206", Verdict::Ok, "room on the disk of " + session.home.state,
                      bytesText(space.available) + " free", ""};
  if (space.available < kLeast || space.available < space.capacity / kShare) {
    disk.verdict = Verdict::Warn;
    disk.measured = "only " + disk.measured;
    disk.fix = "make room: when it is full, flags cannot be changed, and reports wait in the proxies' spools";
  }
  checks.push_back(disk);
}

/// Whether those who are to be told of trouble are; nothing where nobody is.
void checkWebhooks(const Session& session, std::vector<PreflightCheck>& checks) {
  const auto answer = session.get("/v1/webhooks");
  if (!answer || (*answer)["webhooks"].empty()) return;
  PreflightCheck told{"LD-0208", Verdict::Ok, "webhooks take what happens",
                      std::to_string((*answer)["webhooks"].size()) + " configured", ""};
  for (const Json::Value& hook : (*answer)["webhooks"]) {
    // Times of one form: the later is the greater.
    if (hook["last_failure"].asString() <= hook["last_success"].asString()) continue;
    told.verdict = Verdict::Warn;
    told.measured = hook["name"].asString() + ": " + hook["last_error"].asString() + "; " +
                    std::to_string(hook["waiting"].asUInt64()) + " wait";
    told.fix = "loam webhook test " + hook["name"].asString();
  }
  checks.push_back(told);
}

/// Who may change things: on the first day everybody on this host may, by the loopback port.
void checkAccess(const Session& session, std::vector<PreflightCheck>& checks) {
  const auto answer = session.get("/v1/whoami");
  if (!answer && answer.error().status == kUnreachable) return;
  PreflightCheck roles{"LD-0207", Verdict::Ok, "who may do what", "", ""};
  if (!answer) {
    roles.verdict = Verdict::Warn;
    roles.measured = answer.error().text;
    roles.fix = "see docs/operations.md, Who may do what";
  } else {
    roles.measured = "you are " + (*answer)["who"].asString() + ", " + (*answer)["role"].asString();
    if ((*answer)["loopback_open"].asBool()) {
      roles.verdict = Verdict::Warn;
      roles.measured += "; everybody on the controller's host is an admin over its loopback port";
      roles.fix = "loam token create NAME --role admin, or take `listen` away";
    }
  }
  checks.push_back(roles);
}

void checkGuard(const std::string& socket, std::vector<PreflightCheck>& checks) {
  PreflightCheck reach{"LD-0301", Verdict::Ok, "guard", "answers at " + socket, ""};
  auto client = guard::GuardClient::connect(socket);
  const auto view = client ? client->showCapture() : fail(client.error());
  if (!view) {
    reach.verdict = Verdict::Warn;
    reach.measured = "none at " + socket + " (" + view.error().context + ")";
    reach.fix = "sudo loam-guard &   (only capture needs it)";
    checks.push_back(reach);
    return;
  }
  checks.push_back(reach);
  PreflightCheck capture{"LD-0302", Verdict::Ok, "capture", view->alive ? "alive" : "none applied", ""};
  if (view->applied && !view->alive) {
    capture.verdict = Verdict::Warn;
    capture.measured = "applied, not alive: " + printable(view->whyNotAlive);
    capture.fix = view->proxyPid == 0 ? "start loam-proxy with `guard: " + socket + "`" : "loam capture show";
  }
  checks.push_back(capture);
  if (!view->closed.empty()) {
    const std::string many = std::to_string(endpointsOf(view->closed)) + " closed to plaintext";
    PreflightCheck closed{"LD-0304", Verdict::Ok, "strict endpoints have a proxy", many, ""};
    if (view->proxyPid == 0) {
      closed.verdict = Verdict::Warn;
      closed.measured += ", and no proxy is attached";
      closed.fix = "start loam-proxy with `guard: " + socket + "`, or open them: loam capture remove";
    }
    checks.push_back(closed);
  }
  PreflightCheck addresses{"LD-0303", Verdict::Ok, "servers see clients' addresses", "yes", ""};
  if (!view->whyNotTransparent.empty()) {
    addresses.verdict = Verdict::Warn;
    addresses.measured = printable(view->whyNotTransparent);
    addresses.fix = "see docs/operations.md, LD-0303";
  }
  checks.push_back(addresses);
}

Json::Value toJson(const std::vector<PreflightCheck>& checks) {
  Json::Value value(Json::objectValue);
  value["checks"] = Json::Value(Json::arrayValue);
  for (const PreflightCheck& check : checks) {
    Json::Value one(Json::objectValue);
    one["id"] = check.id;
    one["verdict"] = nameOf(check.verdict);
    one["what"] = check.what;
    one["measured"] = check.measured;
    one["fix"] = check.fix;
    value["checks"].append(std::move(one));
  }
  return value;
}

int doctor(const Session& session, const std::string& guardSocket) {
  std::vector<PreflightCheck> checks = guard::preflight({});
  checkController(session, checks);
  checkKeeping(session, checks);
  checkCertificates(session, checks);
  checkDisk(session, checks);
  checkAccess(session, checks);
  checkWebhooks(session, checks);
  checkGuard(guardSocket.empty() ? session.home.guardSocket() : guardSocket, checks);
  Verdict worst = Verdict::Ok;
  for (const PreflightCheck& check : checks) worst = std::max(worst, check.verdict);
  const int status = static_cast<int>(worst);
  const auto idOf = [](const Json::Value& one) { return one["id"].asString() + " " + one["verdict"].asString(); };
  if (session.printStructured(toJson(checks), "checks", idOf)) return status;
  const Terminal& terminal = session.terminal;
  for (const PreflightCheck& check : checks) {
    const char* colour = check.verdict == Verdict::Ok     ? terminal.green()
                         : check.verdict == Verdict::Warn ? terminal.yellow()
                                                          : terminal.red();
    std::string verdict = nameOf(check.verdict);
    verdict.resize(4, ' ');
    terminal.out << check.id << "  " << colour << verdict << terminal.plain() << "  " << printable(check.what) << ": "
                 << printable(check.measured) << "\n";
    if (check.verdict != Verdict::Ok && !check.fix.empty()) {
      terminal.out << "               fix: " << printable(check.fix) << "\n";
    }
  }
  return status;
}

}  // namespace

void addDoctorCommand(CLI::App& app, Session& session) {
  CLI::App& command = *app.add_subcommand("doctor", "What is missing or in the way, with the exact fix");
  command.footer("Ends with 0 when all is well, 1 with warnings, 2 with failures. Every id is in docs/operations.md.");
  const auto guardSocket = std::make_shared<std::string>();
  command.add_option("--guard", *guardSocket, "socket of loam-guard ($LOAM_HOME/run/guard.sock)")->option_text("PATH");
  session.addOutput(command);
  session.addController(command);
  session.runs(command, [&session, guardSocket] { return doctor(session, *guardSocket); });
}

}  // namespace loam::cli
