#include "proxy/tls/stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "proxy/io/stream.h"
#include "proxy/tls/fault.h"
#include "proxy/tls/openssl.h"

namespace loam::tls {

namespace {

constexpr std::size_t kRecord = 16 * 1024;  // what TLS encrypts at once
constexpr std::size_t kIdle = 64;           // what a buffer that is empty may keep

}  // namespace

std::unique_ptr<Stream> Stream::server(std::shared_ptr<const Context> context, std::unique_ptr<io::Socket> socket) {
  return std::unique_ptr<Stream>(new Stream(true, std::move(context), std::move(socket), {}));
}

std::unique_ptr<Stream> Stream::client(std::shared_ptr<const Context> context, std::unique_ptr<io::Socket> socket,
                                       std::string peer) {
  return std::unique_ptr<Stream>(new Stream(false, std::move(context), std::move(socket), std::move(peer)));
}

io::Task<Result<std::unique_ptr<Stream>>> Stream::accept(std::shared_ptr<const Context> context,
                                                         std::unique_ptr<io::Socket> socket, Monotonic deadline) {
  auto stream = server(std::move(context), std::move(socket));
  const Status opened = co_await stream->open(deadline);
  if (!opened) co_return fail(opened.error());
  co_return std::move(stream);
}

io::Task<Result<std::unique_ptr<Stream>>> Stream::connect(std::shared_ptr<const Context> context,
                                                          std::unique_ptr<io::Socket> socket, std::string peer,
                                                          Monotonic deadline) {
  auto stream = client(std::move(context), std::move(socket), std::move(peer));
  const Status opened = co_await stream->open(deadline);
  if (!opened) co_return fail(opened.error());
  co_return std::move(stream);
}

Stream::Stream(bool isServer, std::shared_ptr<const Context> context, std::unique_ptr<io::Socket> socket,
               std::string peer)
    : isServer_(isServer),
      context_(std::move(context)),
      socket_(std::move(socket)),
      expected_(std::move(peer)),
      link_{*socket_},
      ssl_(SSL_new(context_->context_)) {
  BIO* const bio = ssl_ == nullptr ? nullptr : makeSocketBio(link_);
  if (bio == nullptr) {
    SSL_free(std::exchange(ssl_, nullptr));
    return;
  }
  SSL_set_app_data(ssl_, &link_);
  SSL_set_bio(ssl_, bio, bio);
  if (isServer_) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
    const std::string& name = context_->settings_.serverName;
    if (!name.empty()) SSL_set_tlsext_host_name(ssl_, name.c_str());
  }
}

Stream::~Stream() {
  closing_.cancelAll();
  ERR_clear_error();
  // A peer that still reads learns that nothing was cut off, as far as there is room.
  if (open_ && !broken_ && !ended_ && !endIsCallers_) SSL_shutdown(ssl_);
  SSL_free(ssl_);
  ERR_clear_error();
}

io::Identity Stream::peerIdentity() const {
  return peer_ ? io::Identity{peer_->spiffeId(), peer_->serial()} : io::Identity{};
}

io::Task<Status> Stream::open(Monotonic deadline) {
  if (ssl_ == nullptr) co_return fail(ErrorCode::Exhausted, "TLS: no memory for a connection");
  Status shaken = co_await shakeHands(deadline);
  if (shaken) {
    open_ = true;
    if (X509* leaf = SSL_get1_peer_certificate(ssl_); leaf != nullptr) peer_ = Certificate::own(leaf);
    shaken = judgePeer();
  }
  if (!shaken) {
    const ErrorCode code = shaken.error().code;
    endWriting();
    const bool heard = code == ErrorCode::Denied || code == ErrorCode::Protocol;
    if (isServer_ && heard) co_await linger(std::min(deadline, loop().now() + kGoodbye));
    broken_ = true;
  }
  co_return shaken;
}

io::Task<Status> Stream::shakeHands(Monotonic deadline) {
  constexpr std::string_view kDoing = "shaking hands over TLS";
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_);
    if (auto fault = faultAfter(done, kDoing)) co_return fail(*std::move(fault));
    const Status flushed = co_await flush(deadline);
    if (done == 1 || !flushed) co_return flushed;
    const bool more = co_await untilPeerSends(deadline);
    if (!more) co_return fail(ErrorCode::Timeout, std::string(kDoing), origin());
  }
}

Status Stream::judgePeer() const {
  if (!expected_.empty()) {
    const std::string found = peer_ ? peer_->spiffeId() : std::string();
    if (found != expected_) {
      return fail(ErrorCode::Denied,
                  "expected " + expected_ + ", found " + (found.empty() ? std::string("no SPIFFE id") : found),
                  origin());
    }
  }
  if (!context_->settings_.admits || !peer_) return {};
  const auto reason = context_->settings_.admits(*peer_);
  if (reason) return fail(ErrorCode::Denied, *reason, origin());
  return {};
}

io::Task<void> Stream::linger(Monotonic deadline) {
  constexpr std::size_t kMost = 64 * 1024;
  std::array<std::uint8_t, 1024> dropped{};
  for (std::size_t taken = 0; taken < kMost;) {
    const auto count = co_await io::readSome(*socket_, dropped, deadline);
    if (!count || *count == 0) co_return;
    taken += *count;
  }
}

io::Task<Result<std::size_t>> Stream::read(std::span<std::uint8_t> into, Monotonic deadline) {
  for (;;) {
    ERR_clear_error();
    std::size_t count = 0;
    const int done = SSL_read_ex(ssl_, into.data(), into.size(), &count);
    if (done == 1) co_return count;
    if (SSL_get_error(ssl_, done) == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
    if (auto fault = faultAfter(done, "reading TLS")) co_return fail(*std::move(fault));
    const bool more = co_await untilPeerSends(deadline);
    if (!more) co_return fail(ErrorCode::Timeout, "reading TLS", origin());
  }
}

io::Task<Status> Stream::write(std::span<const std::uint8_t> from, Monotonic deadline) {
  if (ended_ || broken_) co_return fail(ErrorCode::Closed, "writing TLS: this side has ended", origin());
  broken_ = !from.empty();
  while (!from.empty()) {
    ERR_clear_error();
    std::size_t taken = 0;
    const int done = SSL_write_ex(ssl_, from.data(), std::min(from.size(), kRecord), &taken);
    if (auto fault = faultAfter(done, "writing TLS")) co_return fail(*std::move(fault));
    from = from.subspan(taken);
    if (!link_.waiting.empty()) {
      const Status flushed = co_await flush(deadline);
      if (!flushed) co_return flushed;
    }
    if (done == 1) continue;
    // Something of the peer's has to come before: the rest of a message that SSL_read began.
    const bool more = co_await untilPeerSends(deadline);
    if (!more) co_return fail(ErrorCode::Timeout, "writing TLS", origin());
  }
  broken_ = false;
  co_return Status();
}

io::Task<Status> Stream::flush(Monotonic deadline) {
  for (;;) {
    const auto flushed = flushNow();
    if (!flushed) co_return fail(flushed.error());
    if (*flushed) co_return Status();
    const bool ready = co_await socket_->until(io::Ready::Write, deadline);
    if (!ready) co_return fail(ErrorCode::Timeout, "writing TLS", origin());
  }
}

bool Stream::mayRead() const { return socket_->mayRead() || SSL_has_pending(ssl_) == 1; }

Result<std::size_t> Stream::readNow(std::span<std::uint8_t> into) {
  forgetReasons();
  std::size_t count = 0;
  const int done = SSL_read_ex(ssl_, into.data(), into.size(), &count);
  if (done == 1) return count;
  if (SSL_get_error(ssl_, done) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
  if (auto fault = faultAfter(done, "reading TLS")) return fail(*std::move(fault));
  return io::Socket::kWouldBlock;
}

Result<std::size_t> Stream::writeNow(std::span<const std::uint8_t> from) {
  const auto flushed = flushNow();
  if (!flushed) return fail(flushed.error());
  std::size_t total = 0;
  while (total < from.size() && link_.waiting.empty()) {
    forgetReasons();
    std::size_t taken = 0;
    const int done = SSL_write_ex(ssl_, from.data() + total, std::min(from.size() - total, kRecord), &taken);
    if (auto fault = faultAfter(done, "writing TLS")) return fail(*std::move(fault));
    if (done != 1) break;  // something of the peer's has to come before
    total += taken;
  }
  return total == 0 ? io::Socket::kWouldBlock : total;
}

Result<bool> Stream::flushNow() {
  std::string& waiting = link_.waiting;
  while (!waiting.empty()) {
    const auto count = socket_->write({reinterpret_cast<const std::uint8_t*>(waiting.data()), waiting.size()});
    if (!count) return fail(count.error());
    if (*count == io::Socket::kWouldBlock) return false;
    waiting.erase(0, *count);
  }
  if (waiting.capacity() > kIdle) waiting.shrink_to_fit();  // an idle connection holds no buffer
  return true;
}

Result<bool> Stream::endNow() {
  if (!std::exchange(ended_, true)) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  const auto flushed = flushNow();
  // Without close_notify the peer takes it for a cut, which it then is.
  if (flushed && *flushed) ::shutdown(socket_->fd(), SHUT_WR);
  return flushed;
}

std::optional<Error> Stream::faultAfter(int result, std::string_view doing) {
  if (result == 1 || SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ) return std::nullopt;
  broken_ = true;
  return faultOf(ssl_, link_, doing, origin());
}

io::Task<bool> Stream::untilPeerSends(Monotonic deadline) {
  const Monotonic now = loop().now();
  if (now >= deadline) co_return false;
  if (awaited_) {
    // A writer that needs the peer's bytes while the reader waits for them: all but unheard of, and not worth a queue.
    // It looks again a moment later.
    co_await loop().sleepUntil(std::min(deadline, now + io::TimerWheel::kTick));
    co_return true;
  }
  struct Mark {
    explicit Mark(bool& set) : flag(set) { flag = true; }
    ~Mark() { flag = false; }
    bool& flag;
  };
  const Mark mark(awaited_);
  const bool ready = co_await socket_->until(io::Ready::Read, deadline);
  co_return ready;
}

void Stream::endWriting() {
  if (std::exchange(ended_, true)) return;
  if (open_ && !broken_) {
    closing_.spawn(sayClose());
  } else {
    ::shutdown(socket_->fd(), SHUT_WR);
  }
}

io::Task<void> Stream::sayClose() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
  const Status flushed = co_await flush(io::kNever);
  // Without close_notify the peer takes it for a cut, which it then is.
  if (flushed) ::shutdown(socket_->fd(), SHUT_WR);
}

void Stream::cut() {
  broken_ = true;
  ::shutdown(socket_->fd(), SHUT_RDWR);
}

io::Wrap asServer(std::function<std::shared_ptr<const Context>()> current) {
  return [current = std::move(current)](std::unique_ptr<io::Socket> socket) {
    return Stream::server(current(), std::move(socket));
  };
}

io::Wrap asClient(std::shared_ptr<const Context> context, std::string peer) {
  return [context = std::move(context), peer = std::move(peer)](std::unique_ptr<io::Socket> socket) {
    return Stream::client(context, std::move(socket), peer);
  };
}

}  // namespace loam::tls
