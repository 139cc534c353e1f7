#include <CLI/CLI.hpp>
#include <pwd.h>
#include <sys/signalfd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "proxy/base/home.h"
#include "proxy/guard/capture_options.h"
#include "proxy/guard/guard.h"
#include "proxy/guard/preflight.h"
#include "proxy/guard/ruleset.h"
#include "proxy/guard/settings_file.h"
#include "proxy/guard/socket_table.h"

namespace {

using namespace loam;
using namespace loam::guard;

constexpr int kUsage = 2;

/// The command line as it was typed; turned into GuardSettings by settingsOf().
struct CommandLine {
  std::string config;
  std::string socket;
  std::string state;
  std::string user;
  CaptureOptions capture;
  bool printRules = false;
  bool preflight = false;
};

void declare(CLI::App& app, CommandLine& line, Footprint& footprint) {
  app.add_option("--config", line.config, "YAML file; options on the command line add to it");
  app.add_option("--socket", line.socket,
                 "Unix socket for loam-proxy and loam (default " + findHome().guardSocket() + ")");
  app.add_option("--state-dir", line.state,
                 "where it keeps what is closed to plaintext (default " + findHome().state + ")");
  app.add_option("--user", line.user, "user that loam-proxy runs as: may connect, and is never captured");
  line.capture.declare(app);
  app.add_option("--outbound-port", footprint.outboundPort, "listener for outbound capture")->capture_default_str();
  app.add_option("--inbound-port", footprint.inboundPort, "listener for inbound capture")->capture_default_str();
  app.add_option("--peer-port", footprint.peerPort, "where proxies speak to each other, as in their own files")
      ->capture_default_str();
  app.add_option("--mark", footprint.mark, "SO_MARK of the proxy's dials")->capture_default_str();
  app.add_option("--transparent-mark", footprint.transparentMark, "SO_MARK of dials that keep the client's address")
      ->capture_default_str();
  app.add_option("--zone", footprint.zone, "conntrack zone of those dials")->capture_default_str();
  app.add_option("--route-table", footprint.routeTable, "routing table of the replies")->capture_default_str();
  app.add_option("--rule-priority", footprint.rulePriority, "ip rule priority of the replies")->capture_default_str();
  app.add_option("--dns-group", footprint.dnsGroup, "NFLOG group of DNS answers")->capture_default_str();
  app.add_flag("--print-rules", line.printRules, "print the nft transaction and change nothing");
  app.add_flag("--preflight", line.preflight, "say whether this host can be captured and change nothing");
}

Status addOptions(const CommandLine& line, GuardSettings& settings) {
  if (!line.socket.empty()) settings.socket = line.socket;
  if (!line.user.empty()) settings.user = line.user;
  if (!line.state.empty()) settings.state = line.state;
  if (settings.state.empty()) settings.state = findHome().state;
  if (settings.socket.empty()) settings.socket = findHome().guardSocket();
  if (!settings.user.empty()) {
    const auto uid = parseUser(settings.user);
    if (!uid) return fail(uid.error());
    settings.footprint.proxyUser = *uid;
  }
  LOAM_TRY(check(settings.footprint));
  return line.capture.addTo(settings.capture);
}

Result<GuardSettings> readFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::NotFound, "cannot read " + path);
  return parseGuardSettings(std::string{std::istreambuf_iterator<char>(file), {}}, path);
}

/// The file's settings with the command line's on top of them.
Result<GuardSettings> settingsOf(CLI::App& app, int argc, char** argv, const CommandLine& line, Footprint& footprint) {
  GuardSettings settings;
  if (!line.config.empty()) {
    auto read = readFile(line.config);
    if (!read) return fail(read.error());
    settings = std::move(*read);
    // Parsing once more writes just the options that were given over what the file says.
    footprint = settings.footprint;
    app.parse(argc, argv);
  }
  settings.footprint = footprint;
  LOAM_TRY(addOptions(line, settings));
  return settings;
}

int printRules(const GuardSettings& settings) {
  const auto listening = socket_table::listeningPorts();
  std::fputs(
      ruleset::apply(settings.capture, settings.footprint, listening.value_or(std::vector<std::uint16_t>())).c_str(),
      stdout);
  return 0;
}

int printPreflight(const Footprint& footprint) {
  constexpr const char* kVerdicts[] = {"ok", "warn", "FAIL"};
  bool failed = false;
  for (const PreflightCheck& check : preflight(footprint)) {
    failed = failed || check.verdict == PreflightCheck::Verdict::Fail;
    std::printf("%s %-4s %s: %s\n", check.id.c_str(), kVerdicts[static_cast<int>(check.verdict)], check.what.c_str(),
                check.measured.c_str());
    if (!check.fix.empty()) std::printf("             fix: %s\n", check.fix.c_str());
  }
  return failed ? 1 : 0;
}

/// SIGTERM and SIGINT by descriptor. Before any thread starts, so that all of them leave the signals alone.
Descriptor blockSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::uint32_t groupOf(std::uint32_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry ? entry->pw_gid : 0;
}

int serve(const GuardSettings& settings) {
  const Descriptor stop = blockSignals();
  const SystemClock clock;
  Log log;
  const auto failed = [](const Error& error) {
    std::fprintf(stderr, "loam-guard: %s\n", error.context.c_str());
    return 1;
  };
  const auto guard = Guard::open(settings.socket, groupOf(settings.footprint.proxyUser), settings.footprint,
                                 ClosedFile(settings.state + "/guard.closed"), clock, log);
  if (!guard) return failed(guard.error());
  if (const Status restored = (*guard)->restoreClosed(); !restored) return failed(restored.error());
  if (settings.capture.outbound || settings.capture.inbound) {
    const Status applied = (*guard)->apply(settings.capture);
    if (!applied) return failed(applied.error());
  }
  log.info("guard", "ready", {{"socket", settings.socket}});
  const Status ran = (*guard)->run(stop.get());
  return ran ? 0 : failed(ran.error());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("loam-guard: applies and removes Loam's capture, and lets go of it when the proxy does not answer");
  CommandLine line;
  Footprint footprint;
  declare(app, line, footprint);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : kUsage;
  }
  const auto settings = settingsOf(app, argc, argv, line, footprint);
  if (!settings) {
    std::fprintf(stderr, "loam-guard: %s\n", settings.error().context.c_str());
    return kUsage;
  }
  if (line.printRules) return printRules(*settings);
  if (line.preflight) return printPreflight(settings->footprint);
  return serve(*settings);
}
