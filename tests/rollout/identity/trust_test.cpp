#include <map>

#include "rollout/identity/authority.h"
#include "rollout/identity/deny_list.h"
#include "rollout/identity/rotation.h"
#include "tests/proxy/tls/tls_fixture.h"

namespace loam::identity {
namespace {

using tls::Context;

/// What the authority hands out, in real handshakes.
class TrustTest : public tls::TlsFixture {
 protected:
  tls::Credentials join(const Authority& authority, const std::string& kind, const std::string& name) const {
    const auto key = tls::KeyPair::generate();
    const auto issued = authority.issue(*tls::signingRequest(*key, name), spiffeId("loam", kind, name));
    EXPECT_TRUE(issued) << issued.error().describe();
    return {*tls::certificatesFromPem(issued->chainPem), key->toPem()};
  }
  Authority make() const { return {*makeHierarchy("loam", clock.wall()), "loam", clock}; }
};

TEST_F(TrustTest, D14_AHostJoinsByTheRootsFingerprintAndThenProvesItsName) {
  const Authority authority = make();
  tls::Credentials controller = join(authority, "controller", "main");
  controller.chain.push_back(authority.hierarchy().root);
  const auto serving = contextOf(Context::server(
      {.own = controller, .roots = {authority.hierarchy().root}, .client = tls::ClientCertificate::Wanted}));
  const Both first = shake(serving, contextOf(Context::client({}, authority.hierarchy().id())));
  ASSERT_TRUE(first.client) << first.client.error().describe();
  ASSERT_TRUE(first.server) << first.server.error().describe();
  EXPECT_FALSE((*first.server)->peer()) << "nobody yet";
  const tls::Credentials own = join(authority, "proxy", "node-a");
  const Both joined = shake(serving, contextOf(Context::client({.own = own, .roots = {authority.hierarchy().root}})));
  ASSERT_TRUE(joined.server) << joined.server.error().describe();
  EXPECT_EQ((*joined.server)->peerIdentity().id, kClientId);
}

TEST_F(TrustTest, D12_ARevokedHostIsTurnedAway) {
  const Authority authority = make();
  const tls::Certificate& trusted = authority.hierarchy().root;
  DenyList denied;
  const auto serving = contextOf(Context::server(
      {.own = join(authority, "controller", "main"), .roots = {trusted}, .admits = [&](const tls::Certificate& leaf) {
         return denied.whyDenied(leaf.serial(), leaf.spiffeId(), unixSeconds(clock.wall()));
       }}));
  const tls::Credentials stolen = join(authority, "proxy", "node-a");
  const tls::Credentials other = join(authority, "proxy", "node-a");
  const auto calling = [&](const tls::Credentials& own) {
    return contextOf(Context::client({.own = own, .roots = {trusted}}));
  };
  EXPECT_TRUE(shake(serving, calling(stolen)).server);
  denied.add({Denial::Of::Serial, stolen.chain.front().serial(), stolen.chain.front().notAfter(), 0, "stolen"});
  const Both refused = shake(serving, calling(stolen));
  ASSERT_FALSE(refused.server);
  EXPECT_EQ(refused.server.error().code, ErrorCode::Denied);
  EXPECT_NE(refused.server.error().context.find("was revoked: stolen"), std::string::npos);
  EXPECT_TRUE(shake(serving, calling(other)).server) << "another certificate of the same host";
  denied.add({Denial::Of::Name, kClientId, other.chain.front().notAfter(), 0, ""});
  EXPECT_FALSE(shake(serving, calling(other)).server);
}

TEST_F(TrustTest, D6_NoHandshakeFailsWhileTheRootRotates) {
  const std::map<std::string, Authority> authorities = [&] {
    std::map<std::string, Authority> all;
    for (int i = 0; i < 2; ++i) {
      Authority one = make();
      const std::string id = one.hierarchy().id();
      all.emplace(id, std::move(one));
    }
    return all;
  }();
  const std::string oldRoot = authorities.begin()->first;
  const std::string newRoot = authorities.rbegin()->first;
  std::vector<Rotation> steps{{.issuing = oldRoot}};
  steps.push_back(*begin(steps.back(), newRoot, {}, 0));
  while (steps.back().state != RotationState::Steady) steps.push_back(*advance(steps.back(), {}, 0));
  ASSERT_EQ(steps.size(), 5u);
  const auto rootsOf = [&](const Rotation& rotation) {
    std::vector<tls::Certificate> roots;
    for (const std::string& id : rotation.trusted()) roots.push_back(authorities.at(id).hierarchy().root);
    return roots;
  };
  const auto meets = [&](const Rotation& serving, const Rotation& calling) {
    const auto one = contextOf(Context::server(
        {.own = join(authorities.at(serving.issuing), "controller", "main"), .roots = rootsOf(serving)}));
    const auto other = contextOf(
        Context::client({.own = join(authorities.at(calling.issuing), "proxy", "node-a"), .roots = rootsOf(calling)}));
    const Both both = shake(one, other);
    return both.server && both.client;
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (std::size_t j = i == 0 ? 0 : i - 1; j < std::min(steps.size(), i + 2); ++j) {
      EXPECT_TRUE(meets(steps[i], steps[j])) << name(steps[i].state) << " with " << name(steps[j].state);
    }
  }
  EXPECT_FALSE(meets(steps.front(), steps.back())) << "two steps apart they do not have to";
}

}  // namespace
}  // namespace loam::identity
