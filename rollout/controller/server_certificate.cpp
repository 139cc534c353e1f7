#include "rollout/controller/server_certificate.h"

#include <utility>

#include "proxy/base/atomic_file.h"
#include "proxy/tls/named_server.h"
#include "rollout/identity/private_file.h"

namespace loam::controller {

namespace {

constexpr std::size_t kMostBytes = 64 * 1024;

Error about(const std::string& what, const std::string& file, Error error) {
  error.context = "tls: the " + what + " " + file + ": " + error.context;
  return error;
}

}  // namespace

std::string_view nameOfHost(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool hasPort = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  std::string_view name = host.substr(0, hasPort ? colon : host.size());
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return name;
}

ServerCertificate::Stamps ServerCertificate::stampsOf(const TlsFiles& files) {
  Stamps stamps{};
  for (std::size_t i = 0; i < stamps.size(); ++i) {
    struct stat facts {};
    const std::string& file = i == 0 ? files.certificate : files.key;
    if (::stat(file.c_str(), &facts) != 0) continue;
    stamps[i] = {static_cast<std::int64_t>(facts.st_ino), facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, facts.st_size};
  }
  return stamps;
}

Result<ServerCertificate::Read> ServerCertificate::read(const TlsFiles& files) {
  const auto pem = readFile(files.certificate, kMostBytes);
  if (!pem) return fail(about("certificate", files.certificate, pem.error()));
  auto chain = tls::certificatesFromPem(*pem);
  if (!chain) return fail(about("certificate", files.certificate, chain.error()));
  auto key = identity::readPrivateFile(files.key, identity::kNotTheWorld);
  if (!key) return fail(about("key", files.key, key.error()));
  const tls::Certificate leaf = chain->front();
  tls::Context::Settings settings;
  settings.own = {*std::move(chain), *std::move(key)};
  settings.client = tls::ClientCertificate::Unwanted;
  auto context = tls::Context::server(std::move(settings));
  if (!context) return fail(about("certificate", files.certificate, context.error()));
  return Read{*std::move(context), leaf};
}

Result<std::unique_ptr<ServerCertificate>> ServerCertificate::load(const TlsFiles& files) {
  const Stamps stamps = stampsOf(files);
  auto read = ServerCertificate::read(files);
  if (!read) return fail(std::move(read).error());
  return std::unique_ptr<ServerCertificate>(new ServerCertificate(files, stamps, *std::move(read)));
}

std::shared_ptr<const tls::Context> ServerCertificate::context() const {
  const std::lock_guard lock(mutex_);
  return read_.context;
}

bool ServerCertificate::isFor(std::string_view host) const {
  const std::string name(nameOfHost(host));
  const std::lock_guard lock(mutex_);
  return !name.empty() && tls::isGoodFor(read_.leaf, name);
}

void ServerCertificate::refresh(Log& log) {
  const Stamps now = stampsOf(files_);
  if (!asked_.exchange(false) && now == stamps_) return;
  stamps_ = now;
  auto fresh = read(files_);
  if (!fresh) {
    log.error("controller", "the certificate stays as it was", {{"error", fresh.error().describe()}});
    return;
  }
  log.info("controller", "read the certificate anew", {{"subject", fresh->leaf.subject()}});
  const std::lock_guard lock(mutex_);
  read_ = *std::move(fresh);
}

}  // namespace loam::controller
