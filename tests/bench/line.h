#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace loam::bench {

/// Where the generator connects to, and how.
struct Target {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  /// Holds load.pem, load.key and root.pem: TLS 1.3 with a certificate of its own, nothing resumed; empty: plain TCP.
  std::string tls;
  /// ADDR:PORT, what a proxy of Loam is asked to carry the connection to (IPv4); empty: the peer is no such proxy.
  std::string preface;
};

/// What all connections to a target have in common.
class Dialer {
 public:
  /// Ends the program when the certificates cannot be used.
  explicit Dialer(const Target& target);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

 private:
  friend class Line;
  const Target target_;
  SSL_CTX* context_ = nullptr;
  std::string preface_;
};

/// One connection of the generator, whose calls do not wait.
class Line {
 public:
  enum class State : std::uint8_t { Opening, Open, Broken };

  bool isThere() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  /// False when nobody took it; on loopback and between namespaces TCP's handshake ends within the call.
  bool connect(const Dialer& dialer);
  /// Goes on with TLS's handshake and the preface.
  State open();
  /// As send(2) and recv(2).
  ssize_t send(const char* from, std::size_t size);
  ssize_t receive(char* into, std::size_t size);
  void close();

 private:
  struct Freed {
    void operator()(SSL* ssl) const;
  };
  int fd_ = -1;
  State state_ = State::Opening;
  const std::string* preface_ = nullptr;  // that is to be sent
  bool asked_ = false;                    // it was, and its answer is to come
  std::unique_ptr<SSL, Freed> ssl_;
};

}  // namespace loam::bench
