#include "rollout/cli/observed_host.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "proxy/base/json.h"
#include "proxy/guard/guard_client.h"
#include "proxy/http/http1_client.h"
#include "rollout/cli/pause.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

constexpr double kNap = 0.05;
constexpr milliseconds kPatience{10'000};

std::string programBeside(const std::string& name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

std::string proxyConfig(const std::string& directory, const ObservedHost::Plan& plan) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::string text = "name: \"" + std::string(host.data()) + "\"\n";
  text.append("controller: ").append(directory).append("/run/controller.sock\n");
  text.append("state_dir: ").append(directory).append("/proxy\n");
  if (plan.listen.empty()) return text.append("guard: ").append(directory).append("/run/guard.sock\n");
  return text.append("listen:\n  - {address: \"")
      .append(plan.listen)
      .append("\", to: \"")
      .append(plan.to)
      .append("\"}\n");
}

}  // namespace

ObservedHost::ObservedHost(ObservedHost&& other) noexcept
    : directory_(std::exchange(other.directory_, {})),
      guard_(std::exchange(other.guard_, std::nullopt)),
      controller_(std::exchange(other.controller_, std::nullopt)),
      proxy_(std::exchange(other.proxy_, std::nullopt)) {}

ObservedHost::~ObservedHost() {
  // The guard goes last: it takes the rules off when its proxy dies.
  proxy_.reset();
  controller_.reset();
  if (guard_) guard_->terminate();
  for (double waited = 0; guard_ && guard_->runs() && waited < 5; waited += kNap) pauseFor(kNap);
  guard_.reset();
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

Outcome<ObservedHost> ObservedHost::start(const Plan& plan) {
  if (plan.listen.empty() && ::geteuid() != 0) {
    return tl::unexpected(Failure{kDenied,
                                  "capturing this host needs root; without it, look by --passive, or at one port by "
                                  "--listen ADDR:PORT --to HOST:PORT"});
  }
  std::string directory = (std::filesystem::temp_directory_path() / "loam-observe-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) {
    return tl::unexpected(Failure{kError, systemError(errno, "making " + directory).context});
  }
  ObservedHost host(directory);
  if (auto started = host.startPrograms(plan); !started) return tl::unexpected(started.error());
  return host;
}

Failure ObservedHost::failureOf(const std::string& name, const Child& child) const {
  const std::string words = printable(child.lastWords());
  return {kError, name + " ended" + (words.empty() ? "" : ": " + words)};
}

Outcome<void> ObservedHost::startProgram(const std::string& name, const std::vector<std::string>& arguments,
                                         std::optional<Child>& child) {
  auto started = Child::start(programBeside(name), arguments, directory_, directory_ + "/" + name + ".log");
  if (!started) return tl::unexpected(Failure{kError, started.error().context});
  child = *std::move(started);
  return {};
}

Outcome<void> ObservedHost::startPrograms(const Plan& plan) {
  std::filesystem::create_directories(directory_ + "/run");
  const std::string config = directory_ + "/proxy.yaml";
  std::ofstream(config) << proxyConfig(directory_, plan);
  if (auto started = startProgram("loam-controller", {}, controller_); !started) return started;
  if (plan.listen.empty()) {
    const std::vector<std::string> capture = {"--outbound", "--inbound", "all"};
    if (auto started = startProgram("loam-guard", capture, guard_); !started) return started;
    for (double waited = 0; !guard::GuardClient::connect(directory_ + "/run/guard.sock"); waited += kNap) {
      if (!guard_->runs()) return tl::unexpected(failureOf("loam-guard", *guard_));
      if (waited > 5) return tl::unexpected(Failure{kTimeout, "loam-guard does not answer"});
      pauseFor(kNap);
    }
  }
  if (auto started = startProgram("loam-proxy", {"--config", config}, proxy_); !started) return started;
  return waitForReport();
}

Outcome<void> ObservedHost::waitForReport() {
  const SystemClock clock;
  const auto target = http::Target::parse(controllerSocket());
  for (const Monotonic end = clock.now() + kPatience; clock.now() < end;) {
    if (auto words = broken()) return tl::unexpected(Failure{kError, *words});
    const auto response = http::fetchAndWait(*target, {.target = "/v1/proxies"}, milliseconds(2000));
    const auto body = response ? parseJson(response->body) : fail(response.error());
    if (body && !(*body)["proxies"].empty()) return {};
    if (!pauseFor(kNap)) return tl::unexpected(Failure{kError, "interrupted"});
  }
  return tl::unexpected(
      Failure{kTimeout, "loam-proxy has not reported within 10 s: " + printable(proxy_->lastWords())});
}

std::optional<std::string> ObservedHost::broken() {
  const auto ended = [this](const char* name, std::optional<Child>& child) -> std::optional<std::string> {
    if (!child || child->runs()) return std::nullopt;
    return failureOf(name, *child).text;
  };
  if (auto words = ended("loam-controller", controller_)) return words;
  if (auto words = ended("loam-guard", guard_)) return words;
  return ended("loam-proxy", proxy_);
}

bool ObservedHost::end(bool cutConnections) {
  const bool first = !std::exchange(ending_, true);
  if (guard_ && guard_->runs()) {
    auto client = guard::GuardClient::connect(directory_ + "/run/guard.sock");
    if (client && (first || cutConnections)) {
      if (const auto removal = client->removeCapture(cutConnections)) relayed_ = removal->relayed;
    } else if (client) {
      if (const auto view = client->showCapture()) relayed_ = view->relayed;
    }
  }
  // The proxy's first SIGTERM lets its connections end, the second does not.
  if (proxy_ && (first || cutConnections)) proxy_->terminate();
  return !proxy_ || !proxy_->runs();
}

}  // namespace loam::cli
