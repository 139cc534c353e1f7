#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proxy/server/current_identity.h"
#include "proxy/tls/library.h"

namespace loam::server {

/// What one worker shakes hands with other proxies by: made anew, on its thread, whenever this proxy's certificate, the
/// roots or the deny-list change; connections keep what they began with. Asks no lock unless something changed.
class PeerIdentity {
 public:
  /// `identity` outlives it; null: this proxy never has one.
  PeerIdentity(const CurrentIdentity* identity, const Clock& clock) : identity_(identity), clock_(clock) {}

  /// Null while there is no identity, or none that is valid now.
  std::shared_ptr<const tls::Context> asServer();
  std::shared_ptr<const tls::Context> asClient();
  /// This proxy has a certificate, and it has run out.
  bool hasExpired();
  /// Whether a peer is a proxy of this mesh that nobody denied meanwhile; asked of live connections.
  bool believes(const std::string& spiffe, const std::string& serial) const;
  /// Of what the contexts were made of.
  std::uint64_t version() const { return version_; }

 private:
  void refresh();
  bool isValid() const;
  tls::Context::Settings settings(const Identity& identity, const std::vector<tls::Certificate>& roots) const;

  const CurrentIdentity* const identity_;
  const Clock& clock_;
  std::uint64_t version_ = 0;
  std::int64_t notBefore_ = 0;
  std::int64_t notAfter_ = 0;
  std::string prefix_;  // of the mesh's proxies: "spiffe://loam/proxy/"
  std::shared_ptr<const std::vector<wire::Denied>> denied_;
  std::shared_ptr<const tls::Library> library_;
  std::shared_ptr<const tls::Context> server_;
  std::shared_ptr<const tls::Context> client_;
};

}  // namespace loam::server
