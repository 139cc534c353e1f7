#include "proxy/server/settings.h"

#include <unistd.h>

#include <array>

#include "proxy/base/yaml.h"

namespace loam::server {

namespace {

const std::initializer_list<std::string_view> kKeys = {"name",       "role",        "workers",  "guard",
                                                       "controller", "state_dir",   "admin",    "listen",
                                                       "observe",    "reverse_dns", "log_level"};

std::string hostName() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "unnamed";
  return buffer.data();
}

LogLevel levelOf(const std::string& name) {
  if (name == "debug") return LogLevel::Debug;
  if (name == "warn") return LogLevel::Warn;
  return name == "error" ? LogLevel::Error : LogLevel::Info;
}

/// The agents' way up is a Unix socket or loopback until identities exist.
void checkController(YamlMapping& file, const Settings& settings) {
  if (settings.controller.empty() || settings.controller.front() == '/') return;
  const auto address = SocketAddress::parse(settings.controller);
  if (!address) return file.problem("controller", "expected the path of a Unix socket or a loopback ADDR:PORT");
  if (!address->ip.isLoopback())
    file.problem("controller", "only a Unix socket or a loopback address until agents have identities");
}

Settings read(YamlMapping& file) {
  Settings settings;
  settings.name = file.text("name").value_or(hostName());
  if (settings.name.empty() || settings.name.size() > 128) file.problem("name", "expected 1 to 128 characters");
  settings.role = file.oneOf("role", {"sidecar", "node", "hub", "gateway"}).value_or(settings.role);
  settings.workers = static_cast<unsigned>(file.integer("workers", 0, 256).value_or(0));
  settings.guard = file.text("guard").value_or("");
  settings.controller = file.text("controller").value_or("");
  checkController(file, settings);
  settings.stateDir = file.text("state_dir").value_or("");
  settings.admin = file.address("admin");
  settings.observe = file.boolean("observe").value_or(true);
  settings.reverseDns = file.boolean("reverse_dns").value_or(false);
  settings.logLevel = levelOf(file.oneOf("log_level", {"debug", "info", "warn", "error"}).value_or("info"));
  for (YamlMapping& port : file.mappings("listen", {"address", "to"})) {
    port.require("address");
    port.require("to");
    const auto address = port.address("address");
    const auto to = port.address("to");
    if (address && to) settings.listen.push_back({*address, *to});
  }
  if (settings.guard.empty() && !file.has("listen")) {
    file.problem("listen", "nothing to do: neither a guard (capture) nor a port to listen on is given");
  }
  return settings;
}

}  // namespace

Result<Settings> Settings::parse(std::string_view text, const std::string& name) {
  YamlProblems problems(name);
  YamlMapping file = YamlMapping::parse(text, problems, kKeys);
  Settings settings = read(file);
  LOAM_TRY(problems.status());
  return settings;
}

Result<Settings> Settings::load(const std::string& path) {
  YamlProblems problems(path);
  auto file = YamlMapping::load(path, problems, kKeys);
  if (!file) return fail(std::move(file).error());
  Settings settings = read(*file);
  LOAM_TRY(problems.status());
  return settings;
}

}  // namespace loam::server
