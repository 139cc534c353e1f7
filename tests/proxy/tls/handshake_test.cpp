#include <map>

#include "tests/proxy/tls/hostile_clients.h"
#include "tests/proxy/tls/tls_fixture.h"

namespace loam::tls {
namespace {

using test::BadCertificate;
using test::RawPeer;

/// Who is let in, why not, and what either side learns.
class HandshakeTest : public TlsFixture {
 protected:
  /// A stranger with `party`'s certificate against our server: nothing of "secret" may be read when it is refused.
  Met meetClient(std::shared_ptr<const Context> context, const Party* party, std::string& heard,
                 const std::function<void(SSL_CTX*)>& configure = {}) {
    auto [near, far] = ends();
    RawPeer peer(false, std::move(far), party, configure);
    peer.toSend = "secret";
    Met met;
    meet(std::move(context), peer, std::move(near), met, [&] { return met.read == "secret" || peer.ended; });
    heard = peer.failure.empty() && peer.closedCleanly ? "closed" : peer.failure;
    return met;
  }
  /// Our client against a stranger.
  Opened meetServer(std::shared_ptr<const Context> context, const Party& party, std::string& heard,
                    const std::function<void(SSL_CTX*)>& configure = {}) {
    auto [near, far] = ends();
    RawPeer peer(true, std::move(far), &party, configure);
    Opened opened = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(connectInto(std::move(context), std::move(near), kServerId, soon(), opened));
    turnUntil([&] {
      peer.step();
      return scope.size() == 0;
    });
    turnUntil([&] {
      peer.step();
      return opened || peer.ended;
    });
    heard = peer.failure;
    return opened;
  }
  static std::optional<std::string> onlyNodeA(const Certificate& leaf) {
    if (leaf.spiffeId() == kClientId) return std::nullopt;
    return "not admitted: \"" + leaf.spiffeId() + "\"";
  }
};

TEST_F(HandshakeTest, BothSidesLearnWhoTheOtherIs) {
  const Both both = shake(serverContext(), clientContext());
  ASSERT_TRUE(both.server) << both.server.error().describe();
  ASSERT_TRUE(both.client) << both.client.error().describe();
  EXPECT_EQ((*both.server)->peerIdentity().id, kClientId);
  EXPECT_EQ((*both.server)->peerIdentity().serial, client.certificate.serial());
  EXPECT_EQ((*both.client)->peer()->spiffeId(), kServerId);
}

TEST_F(HandshakeTest, D1_BadClientCertificatesAreRefusedBeforeAByteIsRead) {
  const std::map<BadCertificate::By, Party> issuers = {
      {BadCertificate::By::Root, root},
      {BadCertificate::By::RsaRoot,
       makeParty(
           {.commonName = "rsa root", .names = "", .usage = "", .authority = true, .key = loam::test::rsa(2048)})},
      {BadCertificate::By::Stranger, makeRoot("another root")}};
  const auto context =
      contextOf(Context::server({.own = server.credentials(),
                                 .roots = {root.certificate, issuers.at(BadCertificate::By::RsaRoot).certificate},
                                 .admits = &onlyNodeA}));
  for (const BadCertificate& bad : test::badCertificates()) {
    const auto issuer = issuers.find(bad.by);
    const Party party = makeParty(bad.spec, issuer == issuers.end() ? nullptr : &issuer->second);
    std::string heard;
    const Met met = meetClient(context, &party, heard);
    ASSERT_FALSE(met.opened) << bad.what;
    EXPECT_EQ(met.opened.error().code, ErrorCode::Denied) << bad.what << ": " << met.opened.error().describe();
    EXPECT_EQ(met.opened.error().origin, ErrorOrigin::Downstream);
    EXPECT_NE(met.opened.error().context.find(bad.reason), std::string::npos)
        << bad.what << ": " << met.opened.error().context;
    EXPECT_NE(heard.find(bad.alert), std::string::npos) << bad.what << ": " << heard;
    EXPECT_EQ(met.read, "") << bad.what;
  }
  std::string heard;
  EXPECT_EQ(meetClient(context, &client, heard).read, "secret") << "the good one is let in: " << heard;
}

TEST_F(HandshakeTest, D8_AClockFiveMinutesBehindTakesWhoHasJustRenewed) {
  const CertificateSpec fresh{.names = std::string("URI:") + kClientId, .from = 290, .to = 7200};
  const CertificateSpec later{.names = std::string("URI:") + kClientId, .from = 360, .to = 7200};
  const CertificateSpec freshServer{.names = std::string("URI:") + kServerId, .from = 290, .to = 7200};
  const CertificateSpec over{.names = std::string("URI:") + kClientId, .from = -7200, .to = -1};
  const Party young = makeParty(fresh, &root);
  const Party tooYoung = makeParty(later, &root);
  const Party expired = makeParty(over, &root);
  std::string heard;
  EXPECT_EQ(meetClient(serverContext(), &young, heard).read, "secret") << heard;
  EXPECT_TRUE(meetServer(clientContext(), makeParty(freshServer, &root), heard)) << heard;
  const Met refused = meetClient(serverContext(), &tooYoung, heard);
  ASSERT_FALSE(refused.opened);
  EXPECT_NE(refused.opened.error().context.find("not yet valid"), std::string::npos);
  EXPECT_FALSE(meetClient(serverContext(), &expired, heard).opened) << "at the end nothing is forgiven";
}

TEST_F(HandshakeTest, D12_WhoWasRevokedHearsIt) {
  bool revoked = true;
  const auto context = contextOf(Context::server(
      {.own = server.credentials(), .roots = {root.certificate}, .whyRevoked = [&](const Certificate& leaf) {
         return revoked ? std::optional(leaf.spiffeId() + " was revoked: lost") : std::nullopt;
       }}));
  std::string heard;
  const Met met = meetClient(context, &client, heard);
  ASSERT_FALSE(met.opened);
  EXPECT_EQ(met.opened.error().code, ErrorCode::Denied);
  EXPECT_NE(met.opened.error().context.find("was revoked: lost"), std::string::npos) << met.opened.error().context;
  EXPECT_NE(heard.find("alert certificate revoked"), std::string::npos) << heard;
  revoked = false;
  EXPECT_EQ(meetClient(context, &client, heard).read, "secret") << heard;
}

TEST_F(HandshakeTest, D1_BadServerCertificatesAreRefusedByTheClient) {
  const Party stranger = makeRoot("another root");
  const CertificateSpec main{.names = std::string("URI:") + kServerId};
  auto expired = main;
  expired.from = -7200;
  expired.to = -3600;
  auto forClients = main;
  forClients.usage = "clientAuth";
  std::string heard;
  EXPECT_TRUE(meetServer(clientContext(), makeParty(main, &root), heard)) << heard;
  const auto reasonOf = [&](const Party& party) {
    const Opened opened = meetServer(clientContext(), party, heard);
    EXPECT_FALSE(opened);
    if (opened) return std::string();
    EXPECT_EQ(opened.error().code, ErrorCode::Denied);
    EXPECT_EQ(opened.error().origin, ErrorOrigin::Upstream);
    return opened.error().context;
  };
  EXPECT_NE(reasonOf(makeParty(expired, &root)).find("certificate has expired"), std::string::npos);
  EXPECT_NE(heard.find("alert certificate expired"), std::string::npos) << heard;
  EXPECT_NE(reasonOf(makeParty(main, &stranger)).find("issuer"), std::string::npos);
  EXPECT_NE(reasonOf(makeParty(forClients, &root)).find("purpose"), std::string::npos);
  EXPECT_EQ(reasonOf(makeParty({.names = "URI:spiffe://loam/controller/other"}, &root)),
            "expected spiffe://loam/controller/main, found spiffe://loam/controller/other");
  EXPECT_EQ(reasonOf(makeParty({.names = ""}, &root)), "expected spiffe://loam/controller/main, found no SPIFFE id");
}

TEST_F(HandshakeTest, D2_WithoutAClientCertificate) {
  std::string heard;
  const Met strict = meetClient(serverContext(), nullptr, heard);
  ASSERT_FALSE(strict.opened);
  EXPECT_EQ(strict.opened.error().code, ErrorCode::Denied);
  EXPECT_NE(strict.opened.error().context.find("the peer showed no certificate"), std::string::npos);
  EXPECT_NE(heard.find("alert certificate required"), std::string::npos) << heard;
  EXPECT_EQ(strict.read, "");

  const Met permissive = meetClient(serverContext(ClientCertificate::Wanted), nullptr, heard);
  ASSERT_TRUE(permissive.opened) << permissive.opened.error().describe();
  EXPECT_EQ(permissive.read, "secret");
  EXPECT_FALSE((*permissive.opened)->peer());
  EXPECT_EQ((*permissive.opened)->peerIdentity().id, "");

  const Party expired = makeParty({.from = -7200, .to = -3600}, &root);
  EXPECT_FALSE(meetClient(serverContext(ClientCertificate::Wanted), &expired, heard).opened)
      << "one that is shown has to be good";
}

TEST_F(HandshakeTest, D3_NothingOlderOrWeakerThanTls13IsSpoken) {
  for (const auto& [what, offer] : test::weakOffers()) {
    std::string heard;
    const Met met = meetClient(serverContext(), &client, heard, offer);
    ASSERT_FALSE(met.opened) << what;
    EXPECT_EQ(met.opened.error().code, ErrorCode::Protocol) << what << ": " << met.opened.error().describe();
    EXPECT_NE(heard.find("alert"), std::string::npos) << what << ": " << heard;
    EXPECT_EQ(met.read, "");
  }
  std::string heard;
  const auto onlyOld = [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); };
  const Opened old = meetServer(clientContext(), server, heard, onlyOld);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, ErrorCode::Protocol) << old.error().describe();
}

TEST_F(HandshakeTest, D3_ToOthersTls12IsSpokenButNothingWeak) {
  Context::Settings settings{.own = client.credentials(), .roots = {root.certificate}};
  settings.tls12 = true;
  const auto context = contextOf(Context::client(std::move(settings)));
  const auto at = [](int version, const char* ciphers) {
    return [version, ciphers](SSL_CTX* of) {
      SSL_CTX_set_max_proto_version(of, version);
      SSL_CTX_set_cipher_list(of, ciphers);
    };
  };
  std::string heard;
  EXPECT_TRUE(meetServer(context, server, heard, at(TLS1_3_VERSION, "DEFAULT"))) << heard;
  EXPECT_TRUE(meetServer(context, server, heard, at(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"))) << heard;
  EXPECT_TRUE(meetServer(context, server, heard, at(TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"))) << heard;
  for (const char* weak : {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"}) {
    EXPECT_FALSE(meetServer(context, server, heard, at(TLS1_2_VERSION, weak))) << weak;
  }
  EXPECT_FALSE(meetServer(context, server, heard, at(TLS1_1_VERSION, "DEFAULT:@SECLEVEL=0")));
  const Party stranger = makeServer(makeRoot("a stranger"));
  EXPECT_FALSE(meetServer(context, stranger, heard, at(TLS1_2_VERSION, "DEFAULT"))) << "it is judged the same";
}

TEST_F(HandshakeTest, AServerOfManyNamesHearsWhichOneIsMeant) {
  std::string asked = "nothing";
  const auto listen = [&asked](SSL_CTX* of) {
    const auto note = [](SSL* ssl, int*, void* into) {
      const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
      *static_cast<std::string*>(into) = name == nullptr ? "" : name;
      return SSL_TLSEXT_ERR_OK;
    };
    SSL_CTX_set_tlsext_servername_callback(of, +note);
    SSL_CTX_set_tlsext_servername_arg(of, &asked);
  };
  std::string heard;
  EXPECT_TRUE(meetServer(clientContext(), server, heard, listen)) << heard;
  EXPECT_EQ(asked, "") << "agents ask for nobody by a name of the DNS";
  Context::Settings settings{.own = client.credentials(), .roots = {root.certificate}};
  settings.serverName = "oncall.example";
  EXPECT_TRUE(meetServer(contextOf(Context::client(std::move(settings))), server, heard, listen)) << heard;
  EXPECT_EQ(asked, "oncall.example");
}

TEST_F(HandshakeTest, D3_WhatIsNoTlsIsNamed) {
  for (const std::string bytes : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\xff\xff garbage without an end",
                                  "SSH-2.0-OpenSSH_9.2\r\n", "\x80\x2e\x01\x03\x01"}) {
    auto [near, far] = ends();
    ASSERT_EQ(::send(far.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    ::shutdown(far.get(), SHUT_WR);
    Opened opened = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(acceptInto(serverContext(), std::move(near), soon(), opened));
    turnUntil([&] { return scope.size() == 0; });
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().code == ErrorCode::Protocol || opened.error().code == ErrorCode::Closed)
        << opened.error().describe();
  }
}

TEST_F(HandshakeTest, D13_NoSessionIsEverResumed) {
  const auto context = serverContext();
  test::SessionPtr session;
  for (int round = 0; round < 2; ++round) {
    auto [near, far] = ends();
    static int tickets;
    tickets = 0;
    RawPeer peer(false, std::move(far), &client, [](SSL_CTX* raw) {
      SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT);
      SSL_CTX_sess_set_new_cb(raw, [](SSL*, SSL_SESSION*) { return ++tickets, 0; });
    });
    if (session) {
      EXPECT_EQ(SSL_set_session(peer.ssl(), session.get()), 1);
    }
    peer.toSend = "again";
    Met met;
    meet(context, peer, std::move(near), met, [&] { return met.read == "again"; });
    EXPECT_EQ(met.read, "again");
    EXPECT_EQ(SSL_session_reused(peer.ssl()), 0);
    EXPECT_EQ(tickets, 0);
    EXPECT_EQ(SSL_SESSION_get_max_early_data(SSL_get0_session(peer.ssl())), 0u);
    session.reset(SSL_get1_session(peer.ssl()));
    EXPECT_EQ(SSL_SESSION_is_resumable(session.get()), 0);
  }
}

TEST_F(HandshakeTest, D14_AClientWithoutRootsBelievesTheOneItPins) {
  Credentials withRoot = server.credentials();
  withRoot.chain.push_back(root.certificate);
  const auto serving = [&](Credentials own) {
    return contextOf(
        Context::server({.own = std::move(own), .roots = {root.certificate}, .client = ClientCertificate::Wanted}));
  };
  const auto joining = [&](const Certificate& pinned) { return contextOf(Context::client({}, pinned.fingerprint())); };
  const Both good = shake(serving(withRoot), joining(root.certificate));
  EXPECT_TRUE(good.client) << good.client.error().describe();
  EXPECT_TRUE(good.server) << good.server.error().describe();

  const auto reasonOf = [&](const Both& both) { return both.client ? "" : both.client.error().context; };
  const Party stranger = makeRoot("another root");
  const Both otherRoot = shake(serving(withRoot), joining(stranger.certificate));
  EXPECT_NE(reasonOf(otherRoot).find("does not end in the root"), std::string::npos) << reasonOf(otherRoot);
  EXPECT_FALSE(otherRoot.server);
  const Both unsent = shake(serving(server.credentials()), joining(root.certificate));
  EXPECT_NE(reasonOf(unsent).find("does not end in the root"), std::string::npos) << reasonOf(unsent);
  // The right root at the end of a chain that it never signed.
  const Party impostor = makeServer(stranger);
  const Both forged = shake(serving({{impostor.certificate, root.certificate}, loam::test::pemOf(impostor.key)}),
                            joining(root.certificate));
  EXPECT_NE(reasonOf(forged).find("issuer"), std::string::npos) << reasonOf(forged);
  // And a pin does not stand in for the name.
  EXPECT_FALSE(shake(serving(withRoot), joining(root.certificate), "spiffe://loam/controller/other").client);
}

TEST_F(HandshakeTest, ARefusedClientReadsWhy) {
  const Party expired = makeParty({.from = -7200, .to = -3600}, &root);
  const auto own = contextOf(Context::client({.own = expired.credentials(), .roots = {root.certificate}}));
  auto [near, far] = ends();
  Both both;
  io::TaskScope scope;
  scope.spawn(acceptInto(serverContext(), std::move(near), soon(), both.server));
  scope.spawn(connectInto(own, *io::Socket::adopt(*loop, std::move(far)), kServerId, soon(), both.client));
  turnUntil([&] { return bool(both.client); });
  ASSERT_TRUE(both.client) << both.client.error().describe();
  std::string read;
  Status status;
  Status written;
  const std::string request(100'000, 'x');  // on its way while the server refuses
  scope.spawn(writeFrom(**both.client, request, written, soon()));
  scope.spawn(readInto(**both.client, read, status, soon()));
  turnUntil([&] { return !status; });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::Denied) << status.error().describe();
  EXPECT_NE(status.error().context.find("the peer refused: certificate expired"), std::string::npos)
      << status.error().context;
}

TEST_F(HandshakeTest, ADeadlineEndsSilenceAndDripping) {
  for (const bool dripping : {false, true}) {
    auto [near, far] = ends();
    RawPeer peer(false, std::move(far), &client);
    peer.piece = 1;
    Opened opened = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    const Monotonic start = clock.now();
    scope.spawn(acceptInto(serverContext(), std::move(near), start + milliseconds(80), opened));
    turnUntil([&] {
      if (dripping) peer.step();  // a byte a turn: always one more, never all in time
      return scope.size() == 0;
    });
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::Timeout) << opened.error().describe();
    EXPECT_LT(clock.now() - start, milliseconds(1000));
  }
}

TEST_F(HandshakeTest, CuttingEndsAHandshake) {
  auto [near, far] = ends();
  auto stream = Stream::server(serverContext(), std::move(near));
  Status status;
  io::TaskScope scope;
  struct Open {
    static io::Task<void> into(Stream& stream, Monotonic deadline, Status& status) {
      status = co_await stream.open(deadline);
    }
  };
  scope.spawn(Open::into(*stream, soon(), status));
  loop->turn(milliseconds(1));
  EXPECT_EQ(scope.size(), 1u);
  stream->cut();
  turnUntil([&] { return scope.size() == 0; });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::Closed) << status.error().describe();
}

}  // namespace
}  // namespace loam::tls
