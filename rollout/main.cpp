#include <CLI/CLI.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "db/sqlite_graph_store.h"
#include "db/sqlite_ledger.h"
#include "rollout/controller/controller.h"

namespace {

using loam::controller::Settings;

constexpr int kError = 1;
constexpr int kUsage = 2;
constexpr int kConflict = 4;

struct Options {
  std::string config;
  std::string listen;
  std::string agents;
  std::string trustDomain;
  std::string socket;
  std::string database;
  std::string control;
  std::string catalogue;
};

int say(const loam::Error& error, int status) {
  std::fprintf(stderr, "loam-controller: %s\n", error.context.c_str());
  return error.code == loam::ErrorCode::Conflict ? kConflict : status;
}

void declare(CLI::App& app, Options& options) {
  app.add_option("--config", options.config, "YAML, its keys are in docs/config.md")->option_text("FILE");
  app.add_option("--listen", options.listen, "also serve this address and port; others than loopback need tls in FILE")
      ->option_text("ADDR:PORT");
  app.add_option("--agents", options.agents, "serve proxies of all hosts there, over mutual TLS")
      ->option_text("ADDR:PORT");
  app.add_option("--trust-domain", options.trustDomain, "of the names in certificates (loam)")->option_text("NAME");
  app.add_option("--socket", options.socket, "Unix socket to serve ($LOAM_HOME/run/controller.sock)")
      ->option_text("PATH");
  app.add_option("--db", options.database, "file of the graph's record ($LOAM_HOME/graph.db)")->option_text("FILE");
  app.add_option("--control-db", options.control, "file of flags and audit log ($LOAM_HOME/control.db)")
      ->option_text("FILE");
  app.add_option("--catalogue", options.catalogue, "YAML list of services, their addresses and owners")
      ->option_text("FILE");
  app.set_version_flag("--version", "loam-controller " LOAM_VERSION);
}

loam::Result<Settings> settle(const Options& options) {
  const loam::Home home = loam::findHome();
  auto settings = options.config.empty() ? loam::Result<Settings>(loam::controller::defaultSettings(home))
                                         : loam::controller::loadSettings(options.config, home);
  if (!settings) return settings;
  if (!options.listen.empty()) {
    const auto address = loam::SocketAddress::parse(options.listen);
    if (!address) {
      return loam::fail(loam::ErrorCode::InvalidArgument,
                        "--listen: expected an address and a port like 127.0.0.1:7400");
    }
    settings->listen = *address;
  }
  LOAM_TRY(loam::controller::checkListen(*settings));
  if (!options.agents.empty()) {
    const auto address = loam::SocketAddress::parse(options.agents);
    if (!address) {
      return loam::fail(loam::ErrorCode::InvalidArgument, "--agents: expected an address and a port like 0.0.0.0:7401");
    }
    settings->agents = *address;
  }
  if (!options.trustDomain.empty()) settings->trustDomain = options.trustDomain;
  if (!options.socket.empty()) settings->socket = options.socket;
  if (!options.database.empty()) settings->database = options.database;
  if (!options.control.empty()) settings->control = options.control;
  if (!options.catalogue.empty()) settings->catalogue = options.catalogue;
  return settings;
}

/// SIGTERM and SIGINT end the controller in good order, SIGHUP has it read its certificate. Blocked before any thread
/// starts.
sigset_t blockSignals() {
  sigset_t ending;
  ::sigemptyset(&ending);
  ::sigaddset(&ending, SIGTERM);
  ::sigaddset(&ending, SIGINT);
  ::sigaddset(&ending, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return ending;
}

/// Every proxy keeps a connection or two: as many descriptors as this process may have.
void raiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const Settings& settings, const sigset_t& ending) {
  std::error_code ignored;  // the store names what it cannot open
  std::filesystem::create_directories(std::filesystem::path(settings.database).parent_path(), ignored);
  std::filesystem::create_directories(std::filesystem::path(settings.control).parent_path(), ignored);
  if (settings.agents) raiseDescriptorLimit();
  // It holds the authority's keys, or secrets of webhooks: no core dump, no debugger (D11).
  if ((settings.agents || !settings.webhooks.empty()) && ::prctl(PR_SET_DUMPABLE, 0) != 0) {
    return say(loam::systemError(errno, "keeping keys out of core dumps"), kError);
  }
  const loam::SystemClock clock;
  loam::Log log(settings.logLevel);
  auto store = loam::db::openGraphStore(settings.database);
  if (!store) return say(store.error(), kError);
  auto ledger = loam::db::openLedger(settings.control, clock);
  if (!ledger) return say(ledger.error(), kError);
  auto journal = loam::audit::Journal::open(settings.control + ".journal");
  if (!journal) return say(journal.error(), kError);
  auto controller = loam::controller::Controller::make(settings, {**store, **ledger, **journal}, clock, log);
  if (!controller) {
    return say(controller.error(), controller.error().code == loam::ErrorCode::InvalidArgument ? kUsage : kError);
  }
  std::thread signals([&ending, &controller] {
    int signal = 0;
    while (::sigwait(&ending, &signal) == 0 && signal == SIGHUP) (*controller)->reload();
    (*controller)->stop();
  });
  (*controller)->run();
  signals.join();
  controller->reset();
  log.info("controller", "ended in good order");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t ending = blockSignals();
  ::umask(0027);
  CLI::App app("Loam's controller: takes the reports of proxies and answers for the dependency graph.",
               "loam-controller");
  Options options;
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stopped) {
    return app.exit(stopped) == 0 ? 0 : kUsage;
  }
  const auto settings = settle(options);
  if (!settings) return say(settings.error(), kUsage);
  return serve(*settings, ending);
}
