#include "proxy/server/settings.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "proxy/base/yaml.h"

namespace loam::server {

namespace {

const std::initializer_list<std::string_view> kKeys = {"name",        "role",      "workers",  "guard",  "controller",
                                                       "identity",    "state_dir", "admin",    "listen", "observe",
                                                       "reverse_dns", "log_level", "peer_port"};

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

bool isSha256(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// What may stand in a SPIFFE id.
bool isPlainName(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::optional<IdentitySettings> readIdentity(YamlMapping& file) {
  auto given = file.mapping("identity", {"root", "token_file", "controller_name"});
  if (!given) return std::nullopt;
  IdentitySettings identity;
  given->require("root");
  given->require("token_file");
  identity.root = given->text("root").value_or("");
  if (given->has("root") && !isSha256(identity.root)) {
    given->problem("root", "expected the SHA-256 of the root, 64 digits of lower-case hex");
  }
  identity.tokenFile = given->text("token_file").value_or("");
  identity.controllerName = given->text("controller_name").value_or(identity.controllerName);
  if (!isPlainName(identity.controllerName)) {
    given->problem("controller_name", "expected letters, digits, '.', '_' and '-'");
  }
  return identity;
}

/// Agents talk mutual TLS only; over a Unix socket the kernel says who they are.
void checkController(YamlMapping& file, const Settings& settings) {
  const bool isSocket = settings.controller.empty() || settings.controller.front() == '/';
  if (isSocket) {
    if (settings.identity) file.problem("identity", "only with the ADDR:PORT of a controller");
    return;
  }
  const auto address = SocketAddress::parse(settings.controller);
  if (!address || address->port == 0) {
    return file.problem("controller", "expected the path of a Unix socket or ADDR:PORT");
  }
  if (!file.has("identity")) {
    return file.problem("controller", "agents talk mutual TLS only: this needs identity: {root: ..., token_file: ...}");
  }
  if (!isPlainName(settings.name)) {
    file.problem("name", "with an identity: expected letters, digits, '.', '_' and '-'");
  }
}

Settings read(YamlMapping& file) {
  Settings settings;
  settings.name = file.text("name").value_or(hostName());
  if (settings.name.empty() || settings.name.size() > 128) file.problem("name", "expected 1 to 128 characters");
  settings.role = file.oneOf("role", {"sidecar", "node", "hub", "gateway"}).value_or(settings.role);
  settings.workers = static_cast<unsigned>(file.integer("workers", 0, 256).value_or(0));
  settings.guard = file.text("guard").value_or("");
  settings.controller = file.text("controller").value_or("");
  settings.identity = readIdentity(file);
  checkController(file, settings);
  settings.stateDir = file.text("state_dir").value_or("");
  settings.admin = file.address("admin");
  settings.peerPort = static_cast<std::uint16_t>(file.integer("peer_port", 1, 65'535).value_or(settings.peerPort));
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
