#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <functional>
#include <string>

#include "proxy/base/descriptor.h"
#include "proxy/tls/openssl.h"
#include "tests/support/certificates.h"

namespace loam::tls::test {

using ContextPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freed<SSL_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;

/// One end of TLS by OpenSSL alone, bound to none of Loam's rules: what a stranger may send. Its socket does not block,
/// and step() moves at most `piece` bytes each way.
class RawPeer {
 public:
  RawPeer(bool isServer, Descriptor fd, const loam::test::Party* own = nullptr,
          const std::function<void(SSL_CTX*)>& configure = {})
      : fd_(std::move(fd)), context_(SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method())) {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    if (own != nullptr) {
      EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), own->certificate.get()), 1);
      EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), own->key.get()), 1);
    }
    if (configure) configure(context_.get());
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), -1);
    isServer ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
  }

  std::size_t piece = ~std::size_t{0};
  std::string toSend;          ///< goes out when hands are shaken
  std::string received;        ///< what came, decrypted
  std::string failure;         ///< OpenSSL's word, an alert among them; empty: none
  bool closedCleanly = false;  ///< close_notify came
  bool ended = false;          ///< the socket did

  bool shaken() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  SSL* ssl() const { return ssl_.get(); }
  const Descriptor& fd() const { return fd_; }
  void endWriting() { SSL_shutdown(ssl_.get()); }
  /// Nothing that is still to go out goes out.
  void drop() { fd_.close(); }
  /// What is encrypted and not sent yet.
  std::string& outbox() { return outbox_; }

  void step() {
    if (!fd_) return;
    takeIn();
    work();
    char bytes[4096];
    for (int n = 0; (n = BIO_read(SSL_get_wbio(ssl_.get()), bytes, sizeof bytes)) > 0;) {
      outbox_.append(bytes, static_cast<std::size_t>(n));
    }
    const auto sent = ::send(fd_.get(), outbox_.data(), std::min(outbox_.size(), piece), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) outbox_.erase(0, static_cast<std::size_t>(sent));
    if (outbox_.empty() && (!failure.empty() || closedCleanly)) ::shutdown(fd_.get(), SHUT_WR);
  }

 private:
  void takeIn() {
    char bytes[16384];
    const auto count = ::recv(fd_.get(), bytes, std::min(piece, sizeof bytes), MSG_DONTWAIT);
    if (count > 0) BIO_write(SSL_get_rbio(ssl_.get()), bytes, static_cast<int>(count));
    if (count == 0 || (count < 0 && errno != EAGAIN)) ended = true;
  }
  void work() {
    if (!failure.empty()) return;
    ERR_clear_error();
    int done = SSL_do_handshake(ssl_.get());
    if (done == 1 && !toSend.empty()) {
      done = SSL_write(ssl_.get(), toSend.data(), static_cast<int>(toSend.size()));
      if (done > 0) toSend.clear();
    }
    char bytes[16384];
    while (done > 0 && !closedCleanly) {
      done = SSL_read(ssl_.get(), bytes, sizeof bytes);
      if (done > 0) received.append(bytes, static_cast<std::size_t>(done));
    }
    if (done > 0) return;
    const int error = SSL_get_error(ssl_.get(), done);
    if (error == SSL_ERROR_ZERO_RETURN) closedCleanly = true;
    if (error == SSL_ERROR_SSL) failure = takeReason();
  }

  Descriptor fd_;
  ContextPtr context_;
  SslPtr ssl_;
  std::string outbox_;
};

}  // namespace loam::tls::test
