#pragma once

#include <openssl/x509.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "proxy/tls/certificate.h"

namespace loam::tls {

/// Peers whose chains one context found good. A proxy meets the same few again and again: what their issuers signed is
/// then not verified anew (a third of a handshake), and all connections of one share its certificates (10 KB each).
/// What is asked of each connection all the same: that the peer has the leaf's key, and whatever time can change. One
/// thread.
class KnownPeers {
 public:
  static constexpr std::size_t kMost = 256;  ///< with one more all are forgotten: rotation leaves old ones behind

  /// What a peer sent, bit by bit, is known and its certificates are valid at `now` (unix seconds): lets go of what
  /// was sent, in favour of the leaf that is known. The leaf; null: nobody has verified that yet.
  X509* recall(STACK_OF(X509) * sent, std::int64_t now);
  /// Remembers what was found good, with everything up to the root.
  void remember(STACK_OF(X509) * sent, STACK_OF(X509) * verified);
  std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    Certificate leaf;
    std::int64_t from;
    std::int64_t until;
  };

  std::unordered_map<std::string, Known> known_;  // by what was sent, in DER
};

}  // namespace loam::tls
