#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "proxy/base/json.h"
#include "proxy/server/current_identity.h"
#include "proxy/server/service_table.h"
#include "tests/proxy/guard/host.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_controller.h"

namespace loam::server {

using loam::test::CertificateSpec;
using loam::test::makeParty;
using loam::test::Party;
using loam::test::TestAuthority;

/// A listening socket that nobody accepts from unless told: whether somebody dialled is a question to the kernel.
class Doorstep {
 public:
  /// Port 0: any.
  explicit Doorstep(const char* address) : address_(*SocketAddress::parse(address)) {
    sockaddr_storage storage{};
    const socklen_t length = address_.to(storage);
    const int on = 1;
    listener_ = Descriptor(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&storage), length), 0) << address;
    EXPECT_EQ(::listen(listener_.get(), 128), 0);
    socklen_t size = sizeof storage;
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&storage), &size), 0);
    address_ = SocketAddress::from(storage);
  }

  const SocketAddress& address() const { return address_; }
  bool wasDialled(int patience = 0) const {
    pollfd poll{listener_.get(), POLLIN, 0};
    return ::poll(&poll, 1, patience) == 1;
  }
  /// The next one; none when nobody waits.
  Descriptor accept(int patience = 0) const {
    return wasDialled(patience) ? Descriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK))
                                : Descriptor();
  }

 private:
  SocketAddress address_;
  Descriptor listener_;
};

/// What came meanwhile is added to `into`; false once nothing can come any more, `errno` then says how it ended (0: in
/// order).
inline bool takeNow(int fd, std::string& into) {
  char bytes[4096];
  for (;;) {
    const auto count = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) {
      into.append(bytes, static_cast<std::size_t>(count));
      continue;
    }
    if (count == 0) errno = 0;
    return count < 0 && errno == EAGAIN;
  }
}

/// This thread in a network namespace of its own, as a host 10.79.0.1 (and 10.79.0.3). All of 10.79.9.0/24 answers
/// there as well and is no address of it: other hosts, as far as a proxy can tell.
class MeshHostTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    host_ = guard::Namespace::enterNew();
    guard::shell(
        "ip link set lo up && ip addr add 10.79.0.1/32 dev lo && ip addr add 10.79.0.3/32 dev lo && "
        "ip route add local 10.79.9.0/24 dev lo src 10.79.0.1");
    ASSERT_TRUE(identity.use(identityOf("node-b", authority)));
  }

  /// Of the proxy of that name, who trusts `of` alone.
  Identity identityOf(const std::string& name, const TestAuthority& of, std::uint64_t step = 1) const {
    CertificateSpec spec;
    spec.commonName = name;
    spec.names = "URI:spiffe://loam/proxy/" + name;
    return {of.credentials(spec), loam::test::trustIn(step, {&of}), {}};
  }
  /// A service at `endpoints` whose mtls is at `stage`.
  static wire::ServiceConfig service(const char* name, std::vector<std::string> endpoints, const char* stage,
                                     const char* settings = "{}") {
    wire::ServiceConfig config;
    config.name = name;
    for (const std::string& one : endpoints) config.endpoints.push_back(*SocketAddress::parse(one));
    wire::FeatureConfig mtls;
    mtls.feature = "mtls";
    mtls.stage = stage;
    mtls.settings = *parseJson(settings);
    config.features.push_back(std::move(mtls));
    return config;
  }
  static std::shared_ptr<const ServiceTable> table(std::vector<wire::ServiceConfig> services) {
    wire::Snapshot snapshot;
    snapshot.generation = 7;
    snapshot.services = std::move(services);
    auto made = ServiceTable::make(snapshot);
    EXPECT_TRUE(made) << made.error().describe();
    return std::make_shared<const ServiceTable>(*std::move(made));
  }
  guard::Namespace host_;
  const TestAuthority authority;
  loam::test::TemporaryDirectory directory;
  CurrentIdentity identity{IdentityFile(directory.path()), "controller"};
};

}  // namespace loam::server
