#include "proxy/tls/named_server.h"

#include <cstdlib>
#include <utility>

#include "proxy/base/address.h"
#include "proxy/base/atomic_file.h"
#include "proxy/tls/openssl.h"

namespace loam::tls {

namespace {

constexpr std::size_t kMostBytes = 4 * 1024 * 1024;
constexpr const char* kOfTheHost = "/etc/ssl/certs/ca-certificates.crt";

}  // namespace

bool isGoodFor(const Certificate& leaf, const std::string& name) {
  if (IpAddress::parse(name)) return X509_check_ip_asc(leaf.get(), name.c_str(), 0) == 1;
  return X509_check_host(leaf.get(), name.data(), name.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

Result<std::shared_ptr<const Context>> clientOf(const std::string& name, const std::string& authorities, bool tls12) {
  const char* const named = std::getenv("SSL_CERT_FILE");
  const std::string host = named == nullptr ? kOfTheHost : named;
  const auto pem = readFile(authorities.empty() ? host : authorities, kMostBytes);
  if (!pem) return fail(pem.error());
  auto roots = certificatesFromPem(*pem);
  if (!roots) return fail(std::move(roots).error());
  Context::Settings settings;
  settings.roots = *std::move(roots);
  settings.admits = [name](const Certificate& leaf) -> std::optional<std::string> {
    if (isGoodFor(leaf, name)) return std::nullopt;
    return "its certificate (" + leaf.subject() + ") is not for " + name;
  };
  // Many hosts behind one address know by this which certificate to show; an address is none of its forms.
  if (!IpAddress::parse(name)) settings.serverName = name;
  settings.tls12 = tls12;
  return Context::client(std::move(settings));
}

}  // namespace loam::tls
