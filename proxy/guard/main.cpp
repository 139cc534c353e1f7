#include <CLI/CLI.hpp>
#include <pwd.h>
#include <sys/signalfd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

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
  std::string user;
  bool outbound = false;
  std::string inbound;
  std::vector<std::string> includePorts, excludePorts, includeAddresses, excludeAddresses, includeUsers, excludeUsers;
  bool noDns = false;
  bool notrackOwn = false;
  bool printRules = false;
  bool preflight = false;
};

std::string defaultSocket() {
  const char* home = std::getenv("LOAM_HOME");
  return home && *home ? std::string(home) + "/run/guard.sock" : std::string("/run/loam/guard.sock");
}

void declare(CLI::App& app, CommandLine& line, Footprint& footprint) {
  app.add_option("--config", line.config, "YAML file; options on the command line add to it");
  app.add_option("--socket", line.socket, "Unix socket for loam-proxy and loam (default " + defaultSocket() + ")");
  app.add_option("--user", line.user, "user that loam-proxy runs as: may connect, and is never captured");
  app.add_flag("--outbound", line.outbound, "capture connections that this host's processes open");
  app.add_option("--inbound", line.inbound,
                 "capture connections to these ports (80,443 or all) of this host, where something listens");
  app.add_option("--include-port", line.includePorts, "outbound: these destination ports only");
  app.add_option("--exclude-port", line.excludePorts, "never these destination ports");
  app.add_option("--include-address", line.includeAddresses, "these far addresses or networks only");
  app.add_option("--exclude-address", line.excludeAddresses, "never these far addresses or networks");
  app.add_option("--include-user", line.includeUsers, "outbound: processes of these users only");
  app.add_option("--exclude-user", line.excludeUsers, "outbound: never processes of these users");
  app.add_flag("--no-dns", line.noDns, "do not look at DNS answers");
  app.add_flag("--notrack-own", line.notrackOwn,
               "keep the proxy's outbound dials out of conntrack (breaks stateful firewalls)");
  app.add_option("--outbound-port", footprint.outboundPort, "listener for outbound capture")->capture_default_str();
  app.add_option("--inbound-port", footprint.inboundPort, "listener for inbound capture")->capture_default_str();
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

/// Appends what `parse` makes of each text: a T or a vector of T.
template <class T, class Parse>
Status append(std::vector<T>& out, const std::vector<std::string>& texts, Parse parse) {
  for (const std::string& text : texts) {
    auto value = parse(text);
    if (!value) return fail(value.error());
    if constexpr (std::is_same_v<std::decay_t<decltype(*value)>, T>) {
      out.push_back(*value);
    } else {
      out.insert(out.end(), value->begin(), value->end());
    }
  }
  return {};
}

Status addOptions(const CommandLine& line, GuardSettings& settings) {
  CaptureSettings& capture = settings.capture;
  if (!line.socket.empty()) settings.socket = line.socket;
  if (!line.user.empty()) settings.user = line.user;
  if (settings.socket.empty()) settings.socket = defaultSocket();
  capture.outbound = capture.outbound || line.outbound;
  capture.inbound = capture.inbound || !line.inbound.empty();
  if (line.noDns) capture.dnsAnswers = false;
  if (line.notrackOwn) capture.notrackOwn = true;
  if (!line.inbound.empty() && line.inbound != "all")
    LOAM_TRY(append(capture.inboundPorts, {line.inbound}, parsePorts));
  LOAM_TRY(append(capture.includePorts, line.includePorts, parsePorts));
  LOAM_TRY(append(capture.excludePorts, line.excludePorts, parsePorts));
  LOAM_TRY(append(capture.includeAddresses, line.includeAddresses, Cidr::parse));
  LOAM_TRY(append(capture.excludeAddresses, line.excludeAddresses, Cidr::parse));
  LOAM_TRY(append(capture.includeUsers, line.includeUsers, parseUser));
  LOAM_TRY(append(capture.excludeUsers, line.excludeUsers, parseUser));
  if (!settings.user.empty()) {
    const auto uid = parseUser(settings.user);
    if (!uid) return fail(uid.error());
    settings.footprint.proxyUser = *uid;
  }
  LOAM_TRY(check(settings.footprint));
  return check(capture);
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
  const auto guard =
      Guard::open(settings.socket, groupOf(settings.footprint.proxyUser), settings.footprint, clock, log);
  if (!guard) return failed(guard.error());
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
