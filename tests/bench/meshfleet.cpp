// Many proxies in one process, as far as a controller can tell: each with an identity, a connection, a synced snapshot
// file and a thread of its own, as in loam-proxy; only that their workers carry nothing.
#include <CLI/CLI.hpp>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "proxy/base/atomic_file.h"
#include "proxy/server/snapshot_source.h"

namespace {

using namespace loam;

/// How many join at the same time: a mesh grows host by host, and not all at once.
constexpr std::size_t kJoining = 32;

struct Options {
  std::string controller;
  std::string root;
  std::string tokens;
  std::string directory;
};

class Proxy {
 public:
  static Result<std::unique_ptr<Proxy>> start(const Options& options, const std::string& name, const std::string& token,
                                              const Clock& clock, Log& log) {
    const auto directory = std::filesystem::path(options.directory) / name;
    std::filesystem::create_directories(directory);
    const std::string tokenFile = directory / "token";
    LOAM_TRY(replaceFile(tokenFile, token));
    auto target = http::Target::parse(options.controller);
    if (!target) return fail(std::move(target).error());
    auto loop = io::EventLoop::make(clock);
    if (!loop) return fail(std::move(loop).error());
    std::unique_ptr<Proxy> proxy(new Proxy);
    proxy->enroller_ = std::make_unique<server::Enroller>(server::JoinTerms{*target, options.root, "controller", name},
                                                          tokenFile, server::IdentityFile(directory), clock, log);
    proxy->enroller_->load();
    proxy->source_ = std::make_unique<server::SnapshotSource>(name, *std::move(target), proxy->enroller_.get(),
                                                              directory / "snapshot", *std::move(loop), log, workers());
    proxy->source_->start(std::nullopt);
    return proxy;
  }

  bool runsSomething() const { return source_->state().inEffect != 0; }

 private:
  /// Workers that have every snapshot in force at once.
  static server::SnapshotSource::Workers workers() {
    return {[](const std::shared_ptr<const server::ServiceTable>&, const std::function<void()>& done) { done(); },
            [](std::uint64_t) { return std::uint64_t{0}; }, [] { return std::vector<SocketAddress>(); },
            [] { return std::optional<wire::Drained>(); }};
  }

  std::unique_ptr<server::Enroller> enroller_;
  std::unique_ptr<server::SnapshotSource> source_;
};

/// Two descriptors of the loop, one of the connection, and one that a file has for a moment.
void allowDescriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Options& options) {
  allowDescriptors();
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const SystemClock clock;
  Log log(LogLevel::Warn);
  std::vector<std::unique_ptr<Proxy>> proxies;
  std::size_t joined = 0;
  std::ifstream lines(options.tokens);
  const timespec nap{.tv_sec = 0, .tv_nsec = 5'000'000};
  for (std::string name, token; lines >> name >> token;) {
    auto proxy = Proxy::start(options, name, token, clock, log);
    if (!proxy) {
      std::fprintf(stderr, "meshfleet: %s: %s\n", name.c_str(), proxy.error().context.c_str());
      return 1;
    }
    proxies.push_back(*std::move(proxy));
    while (proxies.size() - joined > kJoining) {
      if (proxies[joined]->runsSomething()) {
        ++joined;
      } else if (::sigtimedwait(&signals, nullptr, &nap) > 0) {
        return 0;
      }
    }
  }
  int signal = 0;
  ::sigwait(&signals, &signal);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Many proxies in one process, for the benchmark of the controller.", "meshfleet");
  Options options;
  app.add_option("--controller", options.controller, "its agents' port, ADDR:PORT")->required();
  app.add_option("--root", options.root, "SHA-256 of its root")->required();
  app.add_option("--tokens", options.tokens, "file with a name and a join token a line")->required();
  app.add_option("--directory", options.directory, "where the proxies keep their state")->required();
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
