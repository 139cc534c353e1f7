#include <CLI/CLI.hpp>
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "db/spool_directory.h"
#include "proxy/guard/owners.h"
#include "proxy/relay/silent_tap.h"
#include "proxy/server/admin.h"
#include "proxy/server/kill_switch.h"
#include "proxy/server/server.h"
#include "proxy/server/snapshot_source.h"
#include "proxy/tls/record_buffers.h"
#include "shadow/report/epoch.h"
#include "shadow/report/http_transport.h"
#include "shadow/report/pipeline.h"

namespace {

using namespace loam;

int exitCode(const Error& error) {
  switch (error.code) {
    case ErrorCode::InvalidArgument:
      return 2;
    case ErrorCode::Conflict:
      return 4;
    case ErrorCode::Denied:
      return 9;
    default:
      return 1;
  }
}

int complain(const Error& error) {
  std::fprintf(stderr, "loam-proxy: %s\n", error.context.c_str());
  return exitCode(error);
}

std::filesystem::path stateDirectory(const server::Settings& settings) {
  if (!settings.stateDir.empty()) return settings.stateDir;
  if (const char* home = std::getenv("LOAM_HOME"); home != nullptr && *home != '\0') return home;
  return "/var/lib/loam";
}

/// How this proxy shows the controller who it is; null without one, and over a Unix socket.
Result<std::unique_ptr<server::Enroller>> makeEnroller(const server::Settings& settings, const Clock& clock, Log& log) {
  if (!settings.identity) return nullptr;
  auto target = http::Target::parse(settings.controller);
  if (!target) return fail(std::move(target).error());
  server::JoinTerms terms{*std::move(target), settings.identity->root, settings.identity->controllerName,
                          settings.name};
  auto enroller = std::make_unique<server::Enroller>(std::move(terms), settings.identity->tokenFile,
                                                     server::IdentityFile(stateDirectory(settings)), clock, log);
  enroller->load();
  return enroller;
}

Result<std::unique_ptr<report::Transport>> makeTransport(const server::Settings& settings,
                                                         const server::Enroller* enroller) {
  if (settings.controller.empty()) return std::make_unique<report::NoTransport>();
  auto target = http::Target::parse(settings.controller);
  if (!target) return fail(std::move(target).error());
  auto made = report::HttpTransport::make(*std::move(target),
                                          enroller == nullptr ? http::Securing{} : enroller->identity().securing());
  if (!made) return fail(std::move(made).error());
  return *std::move(made);
}

/// The observing side: nothing when the settings switch it off.
Result<std::unique_ptr<report::Pipeline>> makePipeline(const server::Settings& settings,
                                                       const server::Enroller* enroller, const Clock& clock, Log& log,
                                                       observe::FactPoller::Read facts) {
  if (!settings.observe) return nullptr;
  const auto directory = stateDirectory(settings);
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return fail(ErrorCode::Io, "making the state directory " + directory.string() + ": " + failed.message());
  auto transport = makeTransport(settings, enroller);
  if (!transport) return fail(std::move(transport).error());
  bool movedAside = false;
  auto spool = db::openFreeSpool(directory, {}, &movedAside);
  if (!spool) return fail(std::move(spool).error());
  if (movedAside) log.warn("report", "a damaged spool was moved aside", {{"directory", directory.string()}});
  const auto epoch = report::nextEpoch((directory / "epoch").string(), clock.wall());
  if (!epoch) return fail(epoch.error());
  observe::ObserverSettings observer;
  observer.proxy = settings.name;
  observer.role = settings.role;
  observer.epoch = *epoch;
  observer.seed = std::random_device()();
  observer.own.pid = static_cast<std::uint32_t>(::getpid());
  if (settings.identity) observer.own.peerPort = settings.peerPort;
  auto reverseDns = settings.reverseDns ? std::make_unique<observe::ReverseDns>(clock) : nullptr;
  return std::make_unique<report::Pipeline>(observer, server::workersOf(settings), clock, log, *std::move(transport),
                                            *std::move(spool), std::move(facts), std::move(reverseDns));
}

std::string snapshotFile(const server::Settings& settings) { return (stateDirectory(settings) / "snapshot").string(); }

server::SnapshotSource::Kept keptSnapshot(const server::Settings& settings) {
  if (settings.controller.empty()) return std::nullopt;
  return server::SnapshotFile(snapshotFile(settings)).load();
}

/// What the disk holds, for the first connection already; nothing where there is none, or none that can be used, which
/// is the snapshot source's to say.
std::shared_ptr<const server::ServiceTable> servicesOf(const server::SnapshotSource::Kept& kept, bool killed,
                                                       filters::ServiceLedger& ledger) {
  if (!kept || !*kept) return nullptr;
  auto table = server::ServiceTable::make(killed ? server::whatKillLeaves(**kept) : **kept, ledger);
  return table ? std::make_shared<const server::ServiceTable>(*std::move(table)) : nullptr;
}

/// The way of snapshots to the workers; nothing without a controller.
Result<std::unique_ptr<server::SnapshotSource>> makeSnapshotSource(const server::Settings& settings,
                                                                   server::Enroller* enroller, const Clock& clock,
                                                                   Log& log, server::Server& server,
                                                                   std::shared_ptr<filters::ServiceLedger> ledger) {
  if (settings.controller.empty()) return nullptr;
  auto target = http::Target::parse(settings.controller);
  if (!target) return fail(std::move(target).error());
  auto loop = io::EventLoop::make(clock);
  if (!loop) return fail(std::move(loop).error());
  server::SnapshotSource::Workers workers;
  workers.install = [&server](std::shared_ptr<const server::ServiceTable> table, std::function<void()> done) {
    server.install(std::move(table), std::move(done));
  };
  workers.oldConnections = [&server](std::uint64_t generation) { return server.oldConnections(generation); };
  workers.takeMissed = [&server] { return server.takeMissed(); };
  workers.drained = [&server] { return server.drained(); };
  workers.ledger = std::move(ledger);
  return std::make_unique<server::SnapshotSource>(settings.name, *std::move(target), enroller, snapshotFile(settings),
                                                  *std::move(loop), log, std::move(workers));
}

/// What the admin port says beyond the workers' counters; all of it outlives that port.
server::Admin::More adminParts(const report::Pipeline* pipeline, const server::Enroller* enroller,
                               const server::SnapshotSource* snapshots, const server::KillSwitch& kill,
                               const filters::ServiceLedger& ledger, const Clock& clock) {
  server::Admin::More more;
  more.metrics.emplace_back([pipeline, enroller, snapshots, &kill, &ledger, &clock](server::MetricFamilies& families) {
    server::addCounter(
        families, "loam_admission_other_sources_total",
        "Connections to services with caps whose source was not counted by itself: too many others were.",
        static_cast<double>(ledger.others()));
    if (pipeline != nullptr) {
      server::addCounter(families, "loam_observe_records_lost_total", "Observations dropped because a ring was full.",
                         static_cast<double>(pipeline->recordsLost()));
      server::addCounter(families, "loam_report_reports_dropped_total",
                         "Reports lost: spool full or damaged, or refused for good.",
                         static_cast<double>(pipeline->reportsDropped()));
    }
    if (enroller != nullptr) server::collectIdentity(enroller->state(), clock.wall(), families);
    if (const auto ahead = snapshots == nullptr ? std::nullopt : snapshots->skew().ahead()) {
      server::addGauge(families, "loam_proxy_clock_ahead_seconds",
                       "This host's clock less the controller's, as of its last answer.", static_cast<double>(*ahead));
    }
    server::addGauge(families, "loam_proxy_killed", "1 while a kill file switches every feature but observing off.",
                     kill.isKilled() ? 1 : 0);
  });
  more.state = [enroller, snapshots, &kill](Json::Value& state) {
    if (enroller != nullptr) server::describeIdentity(*enroller, state);
    if (const auto ahead = snapshots == nullptr ? std::nullopt : snapshots->skew().ahead()) {
      state["clock_ahead_seconds"] = Json::Int64(*ahead);
    }
    server::describeKill(kill, state);
  };
  return more;
}

/// Relays until SIGTERM or SIGINT, then until the last connection ended; a second signal ends it at once. SIGTERM may
/// be the first half of a restart, so a successor is awaited; SIGINT is not.
void serveUntilSignalled(server::Server& server, server::SnapshotSource* snapshots, Log& log, const sigset_t& signals) {
  int signal = 0;
  ::sigwait(&signals, &signal);
  if (snapshots != nullptr) snapshots->stop();  // the next proxy of this name has its file now
  const bool succeeded = server.drain(signal == SIGTERM);
  log.info("server", "draining: relaying on until the connections end",
           {{"open", std::to_string(server.active())}, {"capture", succeeded ? "handed over" : "revoked"}});
  const timespec nap{.tv_sec = 0, .tv_nsec = 100'000'000};
  while (server.active() != 0 || server.isAccepting()) {
    if (::sigtimedwait(&signals, nullptr, &nap) > 0) return;
  }
}

/// Before any thread starts: they inherit it.
sigset_t blockSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int run(const std::string& configFile, bool checkOnly) {
  const sigset_t signals = blockSignals();
  const auto settings = server::Settings::load(configFile);
  if (!settings) return complain(settings.error());
  if (checkOnly) return 0;
  // Fixed, since glibc raises it with the first big table that is freed, and would then keep those of every reading.
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  Log log(settings->logLevel);
  const SystemClock clock;
  std::atomic<server::GuardLink*> guard{nullptr};
  guard::Owners owners;
  const auto facts = [&]() -> Result<guard::HostFacts> {
    if (server::GuardLink* link = guard.load()) return link->facts();
    auto sockets = guard::readSockets(owners);
    if (!sockets) return fail(std::move(sockets).error());
    return guard::HostFacts{*std::move(sockets), {}};
  };
  server::KillSwitch kill(stateDirectory(*settings), log);
  auto enroller = makeEnroller(*settings, clock, log);
  if (!enroller) return complain(enroller.error());
  auto pipeline = makePipeline(*settings, enroller->get(), clock, log, facts);
  if (!pipeline) return complain(pipeline.error());
  const auto taps = [&](unsigned index) -> std::unique_ptr<relay::TapFactory> {
    if (*pipeline) return (*pipeline)->tapFactory(index);
    return std::make_unique<relay::SilentTapFactory>();
  };
  auto kept = keptSnapshot(*settings);
  const bool killed = kill.isKilled();
  server::Beside beside;
  if (*enroller) beside.identity = &(*enroller)->identity();
  if (*pipeline) beside.verdicts = [&](unsigned index) { return (*pipeline)->verdictSink(index); };
  const auto ledger = std::make_shared<filters::ServiceLedger>();
  auto server = server::Server::start(*settings, clock, log, taps, servicesOf(kept, killed, *ledger), beside);
  if (!server) return complain(server.error());
  guard.store((*server)->guardLink());
  auto snapshots = makeSnapshotSource(*settings, enroller->get(), clock, log, **server, ledger);
  if (!snapshots) return complain(snapshots.error());
  if (*snapshots) (*snapshots)->start(std::move(kept), killed);
  std::unique_ptr<server::Admin> admin;
  if (settings->admin) {
    auto more = adminParts(pipeline->get(), enroller->get(), snapshots->get(), kill, *ledger, clock);
    auto started = server::Admin::start(*settings->admin, **server, clock, std::move(more));
    if (!started) return complain(started.error());
    admin = *std::move(started);
  }
  kill.start([&](bool now) {
    if (*snapshots) (*snapshots)->setKilled(now);
  });
  for (const SocketAddress& address : (*server)->addresses())
    log.info("server", "listening", {{"address", address.text()}});
  serveUntilSignalled(**server, snapshots->get(), log, signals);
  admin.reset();
  kill.stop();
  (*server)->stop();
  snapshots->reset();
  guard.store(nullptr);
  if (*pipeline) (*pipeline)->finish(seconds(3));
  pipeline->reset();  // its facts come through the guard link, which goes with the server
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Loam's data plane: relays captured and explicit connections byte for byte, and observes them.",
               "loam-proxy");
  std::string configFile;
  bool checkOnly = false;
  tls::keepRecordBuffers();
  app.add_option("--config", configFile, "YAML file, see docs/config.md")->required();
  app.add_flag("--check", checkOnly, "read the file, say what is wrong with it, and end");
  CLI11_PARSE(app, argc, argv);
  return run(configFile, checkOnly);
}
