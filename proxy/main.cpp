#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <thread>

#include "proxy/relay/silent_tap.h"
#include "proxy/server/server.h"

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

/// Relays until SIGTERM or SIGINT, then until the last connection ended; a second signal ends it at once.
void serveUntilSignalled(server::Server& server, const sigset_t& signals) {
  int signal = 0;
  ::sigwait(&signals, &signal);
  server.drain();
  const timespec nap{.tv_sec = 0, .tv_nsec = 100'000'000};
  while (server.active() != 0) {
    if (::sigtimedwait(&signals, nullptr, &nap) > 0) return;
  }
}

int run(const std::string& configFile) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread starts: they inherit it

  const auto settings = server::Settings::load(configFile);
  if (!settings) return complain(settings.error());
  Log log(settings->logLevel);
  const SystemClock clock;
  auto server = server::Server::start(*settings, clock, log,
                                      [](unsigned) { return std::make_unique<relay::SilentTapFactory>(); });
  if (!server) return complain(server.error());
  serveUntilSignalled(**server, signals);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Loam's data plane: relays captured and explicit connections byte for byte, and observes them.",
               "loam-proxy");
  std::string configFile;
  app.add_option("--config", configFile, "YAML file, see docs/config.md")->required();
  CLI11_PARSE(app, argc, argv);
  return run(configFile);
}
