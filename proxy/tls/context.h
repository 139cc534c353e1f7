#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/result.h"
#include "proxy/tls/certificate.h"
#include "proxy/tls/library.h"
#include "proxy/tls/verification.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace loam::tls {

/// Whether clients have to show a certificate. One that is shown has to be good in either case.
enum class ClientCertificate { Required, Wanted, Unwanted };

/// How connections are secured, of one side: TLS 1.3 only unless `tls12`, no tickets, no resumption, no early data (D3,
/// D13). Made anew when a certificate or a root changes; connections keep the one they began with. Made on any thread,
/// used by one loop.
class Context {
 public:
  struct Settings {
    Credentials own{};                                       ///< empty chain: none (a client that joins)
    std::vector<Certificate> roots{};                        ///< who may vouch for the peer
    ClientCertificate client = ClientCertificate::Required;  ///< of a server
    /// Asked in the handshake, on the loop's thread, once the peer's chain was found good: why its leaf was revoked.
    /// The peer hears the alert certificate_revoked.
    std::function<std::optional<std::string>(const Certificate& leaf)> whyRevoked{};
    /// Asked for the peer's leaf after its chain was found good, on the loop's thread; a reason closes the connection
    /// before a byte of it is used. An authorisation, not a part of the handshake: nobody is asked for a client that
    /// shows no certificate.
    std::function<std::optional<std::string>(const Certificate& leaf)> admits{};
    /// A world of OpenSSL's own, of the thread that uses it; null: the one that all share.
    std::shared_ptr<const Library> library{};
    std::string serverName{};  ///< of a client: the name of the DNS that it asks for (SNI); empty: none
    bool tls12 = false;        ///< also speaks TLS 1.2, with AEAD and forward secrecy: to programs that are not Loam's
  };

  /// InvalidArgument for certificates and keys that do not fit or are too weak, and for a side that would believe
  /// anybody.
  static Result<std::shared_ptr<const Context>> server(Settings settings);
  /// A client that has no roots but pins one by its SHA-256 takes the server's chain only when its last certificate is
  /// that root (D14); `pinned` is lower-case hex.
  static Result<std::shared_ptr<const Context>> client(Settings settings, std::string pinned = {});
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

 private:
  friend class Stream;
  Context(Settings settings, std::string pinned)
      : settings_(std::move(settings)), judge_{{std::move(pinned), settings_.whyRevoked}} {}
  /// What both sides have in common.
  Status prepare(bool isServer);
  Status moveInto(const Library& library);
  Status useOwn();
  Status useRoots();

  SSL_CTX* context_ = nullptr;
  Settings settings_;
  PeerJudge judge_;
};

}  // namespace loam::tls
