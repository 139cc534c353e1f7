#include "rollout/controller/settings.h"

#include <map>

#include "proxy/base/yaml.h"
#include "rollout/identity/spiffe_id.h"

namespace loam::controller {

namespace {

LogLevel levelOf(const std::string& name) {
  static const std::map<std::string, LogLevel> kLevels = {
      {"debug", LogLevel::Debug}, {"info", LogLevel::Info}, {"warn", LogLevel::Warn}, {"error", LogLevel::Error}};
  return kLevels.at(name);
}

void readTls(YamlMapping& root, Settings& into) {
  auto tls = root.mapping("tls", {"certificate", "key"});
  if (!tls) return;
  tls->require("certificate");
  tls->require("key");
  into.tls = TlsFiles{tls->text("certificate").value_or(""), tls->text("key").value_or("")};
}

void readSocketRoles(YamlMapping& root, SocketRoles& into) {
  auto roles = root.mapping("socket_roles", {"viewer", "operator", "admin", "proxy"});
  if (!roles) return;
  for (const std::string& role : roles->keys()) into[role] = roles->texts(role);
}

}  // namespace

Settings defaultSettings(const Home& home) {
  Settings settings;
  settings.socket = home.controllerSocket();
  settings.database = home.state + "/graph.db";
  settings.control = home.state + "/control.db";
  settings.authority.directory = home.state + "/authority";
  return settings;
}

Result<Settings> loadSettings(const std::string& path, const Home& home) {
  Settings settings = defaultSettings(home);
  YamlProblems problems(path);
  auto root = YamlMapping::load(path, problems,
                                {"listen", "socket", "agents", "trust_domain", "authority", "db", "control_db",
                                 "catalogue", "log_level", "socket_roles", "tls", "names", "webhooks"});
  if (!root) return fail(std::move(root).error());
  settings.listen = root->address("listen");
  readTls(*root, settings);
  settings.names = root->texts("names");
  if (const Status status = checkListen(settings); !status) root->problem("listen", status.error().context);
  if (const auto socket = root->text("socket")) settings.socket = *socket;
  if (const auto database = root->text("db")) settings.database = *database;
  if (const auto control = root->text("control_db")) settings.control = *control;
  if (const auto catalogue = root->text("catalogue")) settings.catalogue = *catalogue;
  settings.agents = root->address("agents");
  if (const auto domain = root->text("trust_domain")) settings.trustDomain = *domain;
  if (!identity::isTrustDomain(settings.trustDomain)) {
    root->problem("trust_domain", "trust_domain: expected lower-case letters, digits, dots and dashes");
  }
  readAuthority(*root, settings.authority);
  if (const auto level = root->oneOf("log_level", {"debug", "info", "warn", "error"})) {
    settings.logLevel = levelOf(*level);
  }
  readSocketRoles(*root, settings.socketRoles);
  settings.webhooks = notify::readWebhooks(*root);
  LOAM_TRY(problems.status());
  return settings;
}

Status checkListen(const Settings& settings) {
  if (!settings.listen || settings.listen->ip.isLoopback() || settings.tls) return {};
  return fail(ErrorCode::Denied,
              "listen: " + settings.listen->text() +
                  " can be reached from other hosts and needs `tls: {certificate: FILE, key: FILE}`; "
                  "without, use 127.0.0.1:" +
                  std::to_string(settings.listen->port) + ", [::1] or the Unix socket");
}

}  // namespace loam::controller
