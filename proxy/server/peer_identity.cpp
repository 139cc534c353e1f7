#include "proxy/server/peer_identity.h"

#include <algorithm>

namespace loam::server {

namespace {

bool denies(const std::vector<wire::Denied>& denied, const std::string& spiffe, const std::string& serial) {
  return std::any_of(denied.begin(), denied.end(), [&](const wire::Denied& one) {
    return one.value == (one.of == wire::Denied::Of::Serial ? serial : spiffe);
  });
}

}  // namespace

std::shared_ptr<const tls::Context> PeerIdentity::asServer() {
  refresh();
  return isValid() ? server_ : nullptr;
}

std::shared_ptr<const tls::Context> PeerIdentity::asClient() {
  refresh();
  return isValid() ? client_ : nullptr;
}

bool PeerIdentity::hasExpired() {
  refresh();
  return notAfter_ != 0 && unixSeconds(clock_.wall()) >= notAfter_;
}

bool PeerIdentity::isValid() const {
  const std::int64_t now = unixSeconds(clock_.wall());
  return now + tls::kYoungest >= notBefore_ && now < notAfter_;  // as peers judge it
}

bool PeerIdentity::believes(const std::string& spiffe, const std::string& serial) const {
  return spiffe.starts_with(prefix_) && (!denied_ || !denies(*denied_, spiffe, serial));
}

void PeerIdentity::refresh() {
  if (identity_ == nullptr || identity_->version() == version_) return;
  version_ = identity_->version();
  denied_ = identity_->denied();
  const auto identity = identity_->get();
  if (!identity) return;
  const auto roots = rootsOf(identity->trust);
  if (!library_) library_ = tls::Library::make().value_or(nullptr);  // without it handshakes share locks, and work
  if (!roots) return;                                                // never: who gave the identity had read them
  prefix_ = spiffeId(domainOf(identity->leaf().spiffeId()), "proxy", "");
  auto server = tls::Context::server(settings(*identity, *roots));
  auto client = tls::Context::client(settings(*identity, *roots));
  if (!server || !client) return;  // the same: the pair before stays, as long as it is valid
  server_ = *std::move(server);
  client_ = *std::move(client);
  notBefore_ = identity->leaf().notBefore();
  notAfter_ = identity->leaf().notAfter();
}

tls::Context::Settings PeerIdentity::settings(const Identity& identity,
                                              const std::vector<tls::Certificate>& roots) const {
  tls::Context::Settings settings{.own = identity.own, .roots = roots};
  settings.library = library_;
  settings.whyRevoked = [denied = denied_](const tls::Certificate& leaf) -> std::optional<std::string> {
    if (!denies(*denied, leaf.spiffeId(), leaf.serial())) return std::nullopt;
    return "it was revoked";
  };
  settings.admits = [prefix = prefix_](const tls::Certificate& leaf) -> std::optional<std::string> {
    const std::string name = leaf.spiffeId();
    if (name.starts_with(prefix)) return std::nullopt;
    return "expected a proxy of this mesh, found " + (name.empty() ? std::string("no SPIFFE id") : name);
  };
  return settings;
}

}  // namespace loam::server
