#include "tests/proxy/server/peer_port_fixture.h"
#include "tests/proxy/tls/crafted_records.h"
#include "tests/proxy/tls/hostile_clients.h"

namespace loam::server {
namespace {

using tls::test::BadCertificate;
using tls::test::badCertificates;
using tls::test::helloOf;
using tls::test::sealFirst;
using tls::test::SessionPtr;
using tls::test::weakOffers;
using tls::test::withCompression;

/// One that issues by RSA, for signatures that elliptic curves do not have.
TestAuthority oldAuthority() {
  Party root = loam::test::makeRoot("old root");
  const CertificateSpec spec{
      .commonName = "old intermediate", .names = "", .usage = "", .authority = true, .key = loam::test::rsa(2048)};
  Party intermediate = makeParty(spec, &root);
  return {.root = std::move(root), .intermediate = std::move(intermediate)};
}

TEST_F(PeerPortTest, D1_BadClientCertificatesReachNothingAndAreCountedByWhy) {
  const TestAuthority stranger;
  const TestAuthority old = oldAuthority();
  Identity both = identityOf("node-b", authority, 2);
  both.trust = loam::test::trustIn(2, {&old, &authority});
  ASSERT_TRUE(identity.use(std::move(both)));
  for (const BadCertificate& bad : badCertificates()) {
    const Party* issuer = bad.by == BadCertificate::By::Root       ? &authority.intermediate
                          : bad.by == BadCertificate::By::RsaRoot  ? &old.intermediate
                          : bad.by == BadCertificate::By::Stranger ? &stranger.intermediate
                                                                   : nullptr;
    const Party party = makeParty(bad.spec, issuer);
    const double before = refused(bad.label);
    const double all = refused("");
    RawPeer peer = caller(&party, issuer);
    peer.toSend = prefaceTo(application->address()) + "secret";
    talk(peer, [] { return false; });
    const std::string heard = peer.failure.empty() && peer.closedCleanly ? "closed" : peer.failure;
    EXPECT_NE(heard.find(bad.alert), std::string::npos) << bad.what << ": " << heard;
    EXPECT_EQ(peer.received, "") << bad.what;
    EXPECT_TRUE(becomesIdle());
    EXPECT_EQ(refused(bad.label), before + 1) << bad.what;
    EXPECT_EQ(refused(""), all + 1) << bad.what;
    EXPECT_FALSE(application->wasDialled()) << bad.what;
  }
  expectLetIn();
}

TEST_F(PeerPortTest, D1_WhoWasRevokedReachesNothing) {
  const Party party = nodeA();
  identity.deny({{wire::Denied::Of::Serial, party.certificate.serial(), 1}});
  RawPeer peer = caller(&party, &authority.intermediate);
  peer.toSend = prefaceTo(application->address()) + "secret";
  talk(peer, [] { return false; });
  EXPECT_NE(peer.failure.find("alert certificate revoked"), std::string::npos) << peer.failure;
  EXPECT_TRUE(becomesIdle());
  EXPECT_EQ(refused("certificate_revoked"), 1);
  EXPECT_FALSE(application->wasDialled());
}

TEST_F(PeerPortTest, D2_WithoutACertificateNobodyIsLetInWhateverTheStage) {
  for (const char* stage : {"observe", "permissive", "prefer", "strict"}) {
    install({service("db", {kApplication}, stage)});
    const double before = refused("certificate_required");
    RawPeer peer = caller(nullptr);
    peer.toSend = prefaceTo(application->address()) + "secret";
    talk(peer, [] { return false; });
    EXPECT_NE(peer.failure.find("alert certificate required"), std::string::npos) << stage << ": " << peer.failure;
    EXPECT_TRUE(becomesIdle());
    EXPECT_EQ(refused("certificate_required"), before + 1) << stage;
  }
  EXPECT_FALSE(application->wasDialled());
}

TEST_F(PeerPortTest, D2_InPlaintextNothingIsHeardButAnAlert) {
  const Descriptor plain = guard::dial(kPort, milliseconds(2000), kPeer);
  const std::string said = prefaceTo(application->address()) + "secret";
  ASSERT_EQ(::send(plain.get(), said.data(), said.size(), MSG_NOSIGNAL), static_cast<ssize_t>(said.size()));
  ::shutdown(plain.get(), SHUT_WR);
  std::string heard;
  EXPECT_TRUE(guard::eventually([&] { return !takeNow(plain.get(), heard); }));
  EXPECT_LE(heard.size(), 7u);
  EXPECT_TRUE(becomesIdle());
  EXPECT_EQ(refused("protocol"), 1);
  EXPECT_FALSE(application->wasDialled());
}

TEST_F(PeerPortTest, D3_NothingOlderOrWeakerThanTls13IsSpoken) {
  const Party party = nodeA();
  for (const auto& [what, offer] : weakOffers()) {
    const double before = refused("protocol");
    RawPeer peer = caller(&party, &authority.intermediate, offer);
    peer.toSend = prefaceTo(application->address()) + "secret";
    talk(peer, [] { return false; });
    EXPECT_NE(peer.failure.find("alert"), std::string::npos) << what << ": " << peer.failure;
    EXPECT_FALSE(peer.shaken()) << what;
    EXPECT_TRUE(becomesIdle());
    EXPECT_EQ(refused("protocol"), before + 1) << what;
  }
  EXPECT_FALSE(application->wasDialled());
}

TEST_F(PeerPortTest, D3_CompressionIsRefused) {
  const Party party = nodeA();
  constexpr char kIllegalParameter = 47;
  constexpr char kDecodeError = 50;
  const std::vector<std::pair<std::string, char>> all = {{std::string("\1"), kDecodeError},
                                                         {std::string("\1\0", 2), kIllegalParameter},
                                                         {std::string("\0\1", 2), kIllegalParameter}};
  for (const auto& [methods, alert] : all) {
    RawPeer peer = caller(&party, &authority.intermediate);
    const std::string hello = withCompression(helloOf(peer), methods);
    ASSERT_EQ(::send(peer.fd().get(), hello.data(), hello.size(), MSG_NOSIGNAL), static_cast<ssize_t>(hello.size()));
    ::shutdown(peer.fd().get(), SHUT_WR);
    std::string heard;
    EXPECT_TRUE(guard::eventually([&] { return !takeNow(peer.fd().get(), heard); }));
    EXPECT_EQ(heard, std::string("\x15\x03\x03\0\x02\x02", 6) + alert);
    EXPECT_TRUE(becomesIdle());
  }
  EXPECT_EQ(refused("protocol"), 3);
}

TEST_F(PeerPortTest, D3_RenegotiationIsRefused) {
  const Party party = nodeA();
  static std::string secret;  // of the callback, which takes no argument
  for (const bool sealed : {false, true}) {
    secret.clear();
    RawPeer peer = caller(&party, &authority.intermediate, [](SSL_CTX* context) {
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
      SSL_CTX_set_keylog_callback(context, [](const SSL*, const char* line) {
        const std::string text = line;
        if (!text.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) return;
        const std::string hex = text.substr(text.rfind(' ') + 1);
        for (std::size_t at = 0; at < hex.size(); at += 2)
          secret.push_back(static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16)));
      });
    });
    talk(peer, [&] { return peer.shaken() && peer.outbox().empty(); });
    ASSERT_TRUE(peer.shaken()) << peer.failure;
    ASSERT_EQ(secret.size(), 32u);
    RawPeer again(false, Descriptor());
    const std::string hello = helloOf(again);
    const std::string record = sealed ? sealFirst(secret, hello.substr(5)) : hello;
    ASSERT_EQ(::send(peer.fd().get(), record.data(), record.size(), MSG_NOSIGNAL), static_cast<ssize_t>(record.size()));
    talk(peer, [] { return false; });
    EXPECT_NE(peer.failure.find("unexpected message"), std::string::npos) << sealed << ": " << peer.failure;
    EXPECT_EQ(peer.received, "");
    EXPECT_TRUE(becomesIdle());
  }
  EXPECT_EQ(refused("protocol"), 2);
  EXPECT_FALSE(application->wasDialled());
}

/// A session that somebody else gave a ticket for, good for early data.
SessionPtr strangersSession(const Party& party) {
  static SSL_SESSION* given;
  given = nullptr;
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
  RawPeer giver(true, Descriptor(fds[0]), &party, [](SSL_CTX* of) { SSL_CTX_set_max_early_data(of, 16384); });
  RawPeer taker(false, Descriptor(fds[1]), nullptr, [](SSL_CTX* of) {
    SSL_CTX_set_session_cache_mode(of, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);  // it outlives the context
    SSL_CTX_sess_set_new_cb(of, [](SSL*, SSL_SESSION* session) {
      SSL_SESSION_free(given);
      given = session;
      return 1;
    });
  });
  for (int turn = 0; turn < 20; ++turn) giver.step(), taker.step();
  EXPECT_NE(given, nullptr);
  SSL_set_shutdown(taker.ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // what was cut is not resumed
  return SessionPtr(given);
}

TEST_F(PeerPortTest, D3_EarlyDataIsNeverTaken) {
  const Party party = nodeA();
  const SessionPtr session = strangersSession(party);
  ASSERT_EQ(SSL_SESSION_is_resumable(session.get()), 1);
  ASSERT_GT(SSL_SESSION_get_max_early_data(session.get()), 0u);
  RawPeer peer = caller(&party, &authority.intermediate);
  ASSERT_EQ(SSL_set_session(peer.ssl(), session.get()), 1);
  const std::string early = prefaceTo(application->address()) + "early";
  std::size_t written = 0;
  ASSERT_EQ(SSL_write_early_data(peer.ssl(), early.data(), early.size(), &written), 1) << tls::takeReason();
  talk(peer, [&] { return peer.shaken(); });
  EXPECT_NE(SSL_get_early_data_status(peer.ssl()), SSL_EARLY_DATA_ACCEPTED);
  EXPECT_EQ(SSL_session_reused(peer.ssl()), 0);
  EXPECT_FALSE(application->wasDialled(100)) << "a preface that came early is none";
}

TEST_F(PeerPortTest, D13_EveryHandshakeIsAFullOne) {
  static int tickets;
  tickets = 0;
  const auto wantsTickets = [](SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(context, [](SSL*, SSL_SESSION*) { return ++tickets, 0; });
  };
  const Party party = nodeA();
  SessionPtr session = strangersSession(party);
  ASSERT_EQ(SSL_SESSION_is_resumable(session.get()), 1) << "one that is offered";
  std::string serial;
  const TestAuthority next;
  for (const char* when : {"with a ticket of a stranger", "with the session before", "after the leaf was renewed",
                           "after the roots changed"}) {
    if (std::string_view(when) == "after the leaf was renewed") {
      ASSERT_TRUE(identity.use(identityOf("node-b", authority, 2)));
    }
    if (std::string_view(when) == "after the roots changed") {
      Identity changed = identityOf("node-b", authority, 3);
      changed.trust = loam::test::trustIn(3, {&authority, &next});
      ASSERT_TRUE(identity.use(std::move(changed)));
    }
    RawPeer peer = caller(&party, &authority.intermediate, wantsTickets);
    ASSERT_EQ(SSL_set_session(peer.ssl(), session.get()), 1) << when;
    peer.toSend = prefaceTo(application->address(), true);
    talk(peer, [&] { return peer.closedCleanly; });
    EXPECT_EQ(peer.received, std::string("\0", 1)) << when << ": " << peer.failure;
    EXPECT_EQ(SSL_session_reused(peer.ssl()), 0) << when;
    EXPECT_EQ(tickets, 0) << when;
    session.reset(SSL_get1_session(peer.ssl()));
    EXPECT_EQ(SSL_SESSION_is_resumable(session.get()), 0) << when;
    const auto shown = tls::Certificate::own(SSL_get1_peer_certificate(peer.ssl()));
    if (std::string_view(when).starts_with("after")) {
      EXPECT_NE(shown.serial(), serial) << when;
    }
    serial = shown.serial();
  }
  // And who is of a root that is believed no more is none, whatever he came with before.
  Identity changed = identityOf("node-b", next, 4);
  changed.trust = loam::test::trustIn(4, {&next});
  ASSERT_TRUE(identity.use(std::move(changed)));
  RawPeer peer = caller(&party, &authority.intermediate);
  ASSERT_EQ(SSL_set_session(peer.ssl(), session.get()), 1);
  peer.toSend = prefaceTo(application->address(), true);
  talk(peer, [] { return false; });
  EXPECT_NE(peer.failure.find("alert unknown ca"), std::string::npos) << peer.failure;
  EXPECT_EQ(peer.received, "");
}

}  // namespace
}  // namespace loam::server
