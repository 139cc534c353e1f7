#include "tests/bench/line.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>

#include "tests/bench/loopback.h"

namespace loam::bench {

namespace {

/// A PROXY protocol header, version 2: a client of no matter which address, and where its connection is to go.
std::string prefaceTo(const std::string& destination) {
  constexpr std::size_t kAddresses = 12;  // two of IPv4, two ports
  const std::size_t colon = destination.rfind(':');
  in_addr address{};
  if (colon == std::string::npos || ::inet_pton(AF_INET, destination.substr(0, colon).c_str(), &address) != 1)
    giveUp("meshload: --preface");
  const std::uint16_t port = htons(static_cast<std::uint16_t>(std::stoi(destination.substr(colon + 1))));
  std::string text("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16);
  std::string addresses(kAddresses, '\0');
  addresses.replace(4, sizeof address, reinterpret_cast<const char*>(&address), sizeof address);
  addresses.replace(10, sizeof port, reinterpret_cast<const char*>(&port), sizeof port);
  return text + addresses;
}

/// What a call on SSL gives, as a system call says it.
template <class Call>
ssize_t asCall(SSL* ssl, Call call) {
  ERR_clear_error();
  const int result = call();
  if (result > 0) return result;
  const int error = SSL_get_error(ssl, result);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return -1;
}

}  // namespace

Dialer::Dialer(const Target& target) : target_(target) {
  if (!target.preface.empty()) preface_ = prefaceTo(target.preface);
  if (target.tls.empty()) return;
  context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  const auto file = [&](const char* name) { return target.tls + "/" + name; };
  if (SSL_CTX_set_ciphersuites(context_, "TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_set1_groups_list(context_, "X25519") != 1 ||
      SSL_CTX_use_certificate_chain_file(context_, file("load.pem").c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context_, file("load.key").c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_load_verify_file(context_, file("root.pem").c_str()) != 1)
    giveUp("meshload: --tls");
}

Dialer::~Dialer() { SSL_CTX_free(context_); }

void Line::Freed::operator()(SSL* ssl) const { SSL_free(ssl); }

bool Line::connect(const Dialer& dialer) {
  fd_ = connectTo(dialer.target_.address, dialer.target_.port);
  if (fd_ < 0) return false;
  state_ = dialer.context_ == nullptr ? State::Open : State::Opening;
  if (state_ == State::Open) return true;
  ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  preface_ = &dialer.preface_;
  asked_ = false;
  ssl_.reset(SSL_new(dialer.context_));
  SSL_set_fd(ssl_.get(), fd_);
  SSL_set_connect_state(ssl_.get());
  return true;
}

Line::State Line::open() {
  if (state_ != State::Opening) return state_;
  SSL* const ssl = ssl_.get();
  ssize_t done = asCall(ssl, [ssl] { return SSL_do_handshake(ssl); });
  if (done > 0 && !preface_->empty()) {
    char answer = 1;
    if (!asked_) done = send(preface_->data(), preface_->size());
    asked_ = asked_ || done > 0;
    if (asked_) done = receive(&answer, 1);
    if (done > 0 && answer != 0) done = 0;
  }
  if (done < 0 && errno == EAGAIN) return state_;
  return state_ = done > 0 ? State::Open : State::Broken;
}

ssize_t Line::send(const char* from, std::size_t size) {
  if (!ssl_) return ::send(fd_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  SSL* const ssl = ssl_.get();
  return asCall(ssl, [&] { return SSL_write(ssl, from, static_cast<int>(size)); });
}

ssize_t Line::receive(char* into, std::size_t size) {
  if (!ssl_) return ::recv(fd_, into, size, MSG_DONTWAIT);
  SSL* const ssl = ssl_.get();
  return asCall(ssl, [&] { return SSL_read(ssl, into, static_cast<int>(size)); });
}

void Line::close() {
  if (ssl_ && state_ == State::Open) SSL_shutdown(ssl_.get());
  ssl_.reset();
  ::close(fd_);
  fd_ = -1;
}

}  // namespace loam::bench
