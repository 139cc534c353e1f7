#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "proxy/io/task_scope.h"
#include "proxy/tls/stream.h"
#include "tests/proxy/tls/raw_peer.h"
#include "tests/support/certificates.h"

namespace loam::tls {

using loam::test::CertificateSpec;
using loam::test::makeParty;
using loam::test::makeRoot;
using loam::test::Party;

using Opened = Result<std::unique_ptr<Stream>>;

inline io::Task<void> acceptInto(std::shared_ptr<const Context> context, std::unique_ptr<io::Socket> socket,
                                 Monotonic deadline, Opened& out) {
  out = co_await Stream::accept(std::move(context), std::move(socket), deadline);
}
inline io::Task<void> connectInto(std::shared_ptr<const Context> context, std::unique_ptr<io::Socket> socket,
                                  std::string peer, Monotonic deadline, Opened& out) {
  out = co_await Stream::connect(std::move(context), std::move(socket), std::move(peer), deadline);
}
inline io::Task<void> readInto(io::ByteStream& stream, std::string& out, Status& status, Monotonic deadline,
                               std::size_t enough = ~std::size_t{0}) {
  std::vector<std::uint8_t> piece(20'000);
  while (out.size() < enough) {
    const auto count = co_await stream.read(piece, deadline);
    if (!count) {
      status = fail(count.error());
      co_return;
    }
    if (*count == 0) co_return;
    out.append(reinterpret_cast<const char*>(piece.data()), *count);
  }
}
inline io::Task<void> writeFrom(io::ByteStream& stream, std::string text, Status& status, Monotonic deadline,
                                bool end = false) {
  const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  status = co_await stream.write(bytes, deadline);
  if (end) stream.endWriting();
}

/// An authority, a server "spiffe://loam/controller/main" and a client "spiffe://loam/proxy/node-a" of it, on one loop.
class TlsFixture : public testing::Test {
 protected:
  static constexpr const char* kServerId = "spiffe://loam/controller/main";
  static constexpr const char* kClientId = "spiffe://loam/proxy/node-a";

  static Party makeServer(const Party& root) {
    return makeParty({.commonName = "main", .names = std::string("URI:") + kServerId}, &root);
  }
  static std::shared_ptr<const Context> contextOf(Result<std::shared_ptr<const Context>> made) {
    EXPECT_TRUE(made) << made.error().describe();
    return *made;
  }
  std::shared_ptr<const Context> serverContext(ClientCertificate asks = ClientCertificate::Required) const {
    return contextOf(Context::server({.own = server.credentials(), .roots = {root.certificate}, .client = asks}));
  }
  std::shared_ptr<const Context> clientContext() const {
    return contextOf(Context::client({.own = client.credentials(), .roots = {root.certificate}}));
  }

  /// Two ends of one connection; `far` is plain for somebody who is not on the loop.
  std::pair<std::unique_ptr<io::Socket>, Descriptor> ends() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    return {*io::Socket::adopt(*loop, Descriptor(fds[0])), Descriptor(fds[1])};
  }

  void turnUntil(const std::function<bool()>& done, milliseconds patience = milliseconds(10'000)) {
    const Monotonic end = clock.now() + patience;
    while (!done() && clock.now() < end) loop->turn(milliseconds(2));
  }
  Monotonic soon() const { return clock.now() + milliseconds(8'000); }

  /// Both ends opened against each other.
  struct Both {
    Opened server = fail(ErrorCode::Io, "never ended");
    Opened client = fail(ErrorCode::Io, "never ended");
  };
  Both shake(std::shared_ptr<const Context> one, std::shared_ptr<const Context> other, std::string peer = kServerId) {
    auto [near, far] = ends();
    Both both;
    io::TaskScope scope;
    scope.spawn(acceptInto(std::move(one), std::move(near), soon(), both.server));
    scope.spawn(
        connectInto(std::move(other), *io::Socket::adopt(*loop, std::move(far)), std::move(peer), soon(), both.client));
    turnUntil([&] { return scope.size() == 0; });
    return both;
  }

  /// A server of ours against a stranger: what accept() gave and what was read after it.
  struct Met {
    Opened opened = fail(ErrorCode::Io, "never ended");
    std::string read;
    Status status;
  };
  void meet(std::shared_ptr<const Context> context, test::RawPeer& peer, std::unique_ptr<io::Socket> socket, Met& met,
            const std::function<bool()>& enough) {
    io::TaskScope scope;
    scope.spawn(acceptInto(std::move(context), std::move(socket), soon(), met.opened));
    turnUntil([&] {
      peer.step();
      return scope.size() == 0;
    });
    if (met.opened) scope.spawn(readInto(**met.opened, met.read, met.status, soon()));
    turnUntil([&] {
      peer.step();
      return enough();
    });
  }

  SystemClock clock;
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  const Party root = makeRoot();
  const Party server = makeServer(root);
  const Party client = makeParty({}, &root);
};

}  // namespace loam::tls
