#include <chrono>

#include "proxy/tls/preface.h"
#include "tests/proxy/server/far_host.h"
#include "tests/proxy/server/peer_port_fixture.h"
#include "tests/proxy/server/proxy_on_a_loop.h"

namespace loam::server {
namespace {

constexpr const char* kSecret = "what nobody beside the two is to read";
constexpr milliseconds kTimeout{2000};  // `handshake_timeout` of the tests
constexpr milliseconds kStep{20};

/// One who stands at another host's port for proxies, or on the way there, and means no good.
struct Hostile {
  const char* what;
  FarHost::Behaviour does;
  const char* state;  ///< that the record is told of the connection, or of its denial
  bool isSlow = false;
};

/// A caller's proxy "node-b", and another host whose proxy is to be "node-c".
class HostilePeerTest : public MeshHostTest {
 protected:
  void SetUp() override {
    MeshHostTest::SetUp();
    clock.setWall(std::chrono::system_clock::now());  // certificates are of today
  }

  static std::shared_ptr<const ServiceTable> at(const char* stage, const std::string& more = "",
                                                std::vector<std::string> proxies = {"node-c"}) {
    const std::string settings = R"({"handshake_timeout": "2s")" + more + "}";
    wire::ServiceConfig config = service("db", {FarHost::kApplication}, stage, settings.c_str());
    config.proxies = std::move(proxies);
    return table({std::move(config)});
  }
  void start(std::shared_ptr<const ServiceTable> services, FarHost::Behaviour behaviour) {
    proxy.reset();
    far.reset();
    far = std::make_unique<FarHost>(std::move(behaviour));
    proxy = std::make_unique<ProxyOnALoop>(clock, &identity, std::move(services));
  }

  /// What became of a client that sent the secret at once.
  struct Outcome {
    std::string got;
    bool wasReset = false;
    milliseconds took{0};
    std::string state;  ///< as the record was told
    std::string identity;
    std::optional<relay::CloseReason> closed;
  };
  /// One that goes on until the client has an answer or an end; `meanwhile` is done once, after a little time.
  Outcome connect(const std::function<void()>& meanwhile = {}) {
    const Doorstep door("127.0.0.1:0");
    const Descriptor client = guard::dial(door.address().text());
    EXPECT_EQ(::send(client.get(), kSecret, std::strlen(kSecret), MSG_NOSIGNAL),
              static_cast<ssize_t>(std::strlen(kSecret)));
    const std::size_t mine = proxy->taps.all.size();
    const Entry entry{relay::Vantage::Explicit, *SocketAddress::parse(FarHost::kApplication)};
    proxy->carryFrom(door.accept(2000), *SocketAddress::parse("10.79.0.1:40000"), entry);
    Outcome out;
    const Monotonic start = clock.now();
    bool isOpen = true;
    for (int step = 0; isOpen && out.got.empty() && clock.now() - start < seconds(30); ++step) {
      for (int turn = 0; turn < 4; ++turn) {
        proxy->loop->turn(milliseconds(0));
        far->step();
      }
      isOpen = takeNow(client.get(), out.got);
      out.wasReset = !isOpen && errno == ECONNRESET;
      if (step == 5 && meanwhile) meanwhile();
      out.took = std::chrono::duration_cast<milliseconds>(clock.now() - start);
      clock.advance(kStep);
    }
    settle();
    const Told& told = *proxy->taps.all.at(mine);
    out.state = told.security;
    out.identity = told.identity;
    out.closed = told.closed;
    return out;
  }
  void settle() {
    for (int turn = 0; turn < 10; ++turn) {
      proxy->loop->turn(milliseconds(0));
      far->step();
    }
  }
  void pass(milliseconds time) {
    for (milliseconds gone{0}; gone < time; gone += kStep) {
      settle();
      clock.advance(kStep);
    }
    settle();
  }
  double counter(const std::string& family, const std::string& label = "") const {
    return counted({&proxy->counters}, family, label);
  }

  /// How somebody shakes hands.
  struct Manner {
    std::string says{};  ///< after the handshake
    std::size_t piece = ~std::size_t{0};
    int most = TLS1_3_VERSION;
  };
  /// Whoever has these credentials and shakes hands as he should, a step further.
  static void shake(Visit& visit, const tls::Credentials& own, const Manner& manner) {
    if (!visit.tls) {
      const Party party{own.chain.front(), keyOf(own)};
      visit.tls = std::make_unique<RawPeer>(true, std::move(visit.fd), &party, [&](SSL_CTX* context) {
        for (std::size_t i = 1; i < own.chain.size(); ++i) SSL_CTX_add1_chain_cert(context, own.chain[i].get());
        SSL_CTX_set_num_tickets(context, 0);
        SSL_CTX_set_max_proto_version(context, manner.most);
      });
      visit.tls->toSend = manner.says;
      visit.tls->piece = manner.piece;
    }
    visit.tls->step();
  }
  static void shake(Visit& visit, const tls::Credentials& own) { shake(visit, own, {}); }
  static loam::test::SharedKey keyOf(const tls::Credentials& own) {
    const tls::BioPtr text = tls::readingFrom(own.keyPem);
    return {PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
  }
  tls::Credentials named(const std::string& uri, const TestAuthority& of) const {
    return of.credentials({.names = "URI:" + uri});
  }

  std::vector<Hostile> withoutTls();
  std::vector<Hostile> withinTls();
  std::vector<Hostile> hostiles();
  std::vector<Hostile> strangers();

  loam::test::FakeClock clock;
  const tls::Credentials good = named("spiffe://loam/proxy/node-c", authority);
  std::unique_ptr<FarHost> far;
  std::unique_ptr<ProxyOnALoop> proxy;
};

/// Those who do not speak TLS, or not yet.
std::vector<Hostile> HostilePeerTest::withoutTls() {
  return {
      {"resets at once", [](Visit& visit) { visit.reset(); }, "handshake_failed"},
      {"ends at once", [](Visit& visit) { visit.end(); }, "handshake_failed"},
      {"resets after the ClientHello",
       [](Visit& visit) {
         if (!visit.heard.empty()) visit.reset();
       },
       "handshake_failed"},
      {"says nothing", [](Visit&) {}, "handshake_failed", true},
      {"says garbage",
       [](Visit& visit) {
         if (!visit.heard.empty() && visit.turns++ == 0) visit.say("HTTP/1.1 400 Bad Request\r\n\r\n");
       },
       "unknown_peer"},
      {"answers in plaintext as the application would",
       [](Visit& visit) {
         if (visit.turns++ == 0) visit.say("220 db ready\r\n");
       },
       "unknown_peer"},
      {"sends back what it hears",
       [](Visit& visit) {
         if (!visit.heard.empty() && visit.turns++ == 0) visit.say(visit.heard);
       },
       "unknown_peer"},
      {"sends a fatal alert",
       [](Visit& visit) {
         if (!visit.heard.empty() && visit.turns++ == 0) visit.say(std::string_view("\x15\x03\x03\0\x02\x02\x28", 7));
       },
       "handshake_failed:handshake_failure"},
  };
}

/// Those who have what it takes to be the peer, and do not do as one.
std::vector<Hostile> HostilePeerTest::withinTls() {
  const auto stepsFor = [this](int turns) {
    return [this, turns](Visit& visit) {
      shake(visit, good, {.piece = 100});
      return ++visit.turns >= turns;
    };
  };
  return {
      {"resets in the midst of its own flight",
       [some = stepsFor(8)](Visit& visit) {
         if (some(visit)) visit.reset();
       },
       "handshake_failed"},
      {"ends in the midst of its own flight",
       [some = stepsFor(8)](Visit& visit) {
         if (some(visit)) visit.end();
       },
       "handshake_failed"},
      {"says a byte a second",
       [this](Visit& visit) {
         const int second = static_cast<int>(clock.now().time_since_epoch() / seconds(1));
         if (std::exchange(visit.turns, second) != second) shake(visit, good, {.piece = 1});
       },
       "handshake_failed", true},
      {"speaks TLS 1.2 at most", [this](Visit& visit) { shake(visit, good, {.most = TLS1_2_VERSION}); },
       "handshake_failed:protocol_version"},
      {"ends after the handshake",
       [this](Visit& visit) {
         shake(visit, good);
         if (visit.tls->shaken() && visit.tls->outbox().empty()) visit.end();
       },
       "handshake_failed"},
      {"closes TLS after the handshake",
       [this](Visit& visit) {
         shake(visit, good);
         if (visit.tls->shaken() && visit.turns++ == 0) visit.tls->endWriting();
       },
       "handshake_failed"},
      {"resets after the handshake",
       [this](Visit& visit) {
         shake(visit, good);
         if (visit.tls->shaken()) visit.reset();
       },
       "handshake_failed"},
      {"does not answer the preface", [this](Visit& visit) { shake(visit, good); }, "handshake_failed", true},
      {"answers what is no answer", [this](Visit& visit) { shake(visit, good, {.says = "\x4d"}); }, "unknown_peer"},
      {"says that it is not advertised", [this](Visit& visit) { shake(visit, good, {.says = "\x01"}); },
       "not_advertising"},
  };
}

std::vector<Hostile> HostilePeerTest::hostiles() {
  std::vector<Hostile> all = withoutTls();
  for (Hostile& one : withinTls()) all.push_back(std::move(one));
  return all;
}

/// Those who are somebody else (D4), in a handshake that is good or would be.
std::vector<Hostile> HostilePeerTest::strangers() {
  static const TestAuthority anotherMesh;
  const auto as = [this](tls::Credentials own) {
    return [this, own = std::move(own)](Visit& visit) { shake(visit, own, {.says = std::string("\0stolen", 7)}); };
  };
  return {
      {"another proxy of the mesh", as(named("spiffe://loam/proxy/node-d", authority)), "unknown_peer"},
      {"a longer name with the right end", as(named("spiffe://loam/proxy/x/node-c", authority)), "unknown_peer"},
      {"the controller", as(named("spiffe://loam/controller/node-c", authority)), "unknown_peer"},
      {"of another domain", as(named("spiffe://other/proxy/node-c", authority)), "unknown_peer"},
      {"of no name", as(authority.credentials({.names = ""})), "unknown_peer"},
      {"of another authority", as(named("spiffe://loam/proxy/node-c", anotherMesh)), "unknown_peer"},
      {"expired", as(authority.credentials({.names = "URI:spiffe://loam/proxy/node-c", .from = -7200, .to = -3600})),
       "unknown_peer"},
      {"for clients alone",
       as(authority.credentials({.names = "URI:spiffe://loam/proxy/node-c", .usage = "clientAuth"})), "unknown_peer"},
  };
}

TEST_F(HostilePeerTest, ThePeerThatIsMeantIsSpokenTo) {
  for (const char* stage : {"prefer", "strict"}) {
    start(at(stage), [this](Visit& visit) { shake(visit, good, {.says = std::string("\0hello", 6)}); });
    const Outcome out = connect();
    EXPECT_EQ(out.got, "hello");
    EXPECT_EQ(out.state, "mutual");
    EXPECT_EQ(out.identity, "spiffe://loam/proxy/node-c");
    EXPECT_NE(far->heard.find(kSecret), std::string::npos) << "inside TLS";
    EXPECT_EQ(far->plain, 0);
  }
}

TEST_F(HostilePeerTest, D5_AStrictCallerNeverFallsBackWhateverThePeerDoes) {
  for (const Hostile& one : hostiles()) {
    for (const bool denies : {false, true}) {  // prefer without a way back is as closed
      start(denies ? at("prefer", R"(, "fallback": "deny")") : at("strict"), one.does);
      for (int again = 0; again < 2; ++again) {
        const Outcome out = connect();
        EXPECT_EQ(out.got, "") << one.what;
        EXPECT_TRUE(out.wasReset) << one.what;
        EXPECT_LE(out.took, 2 * kTimeout + 2 * kStep) << one.what;
        EXPECT_TRUE(one.isSlow || out.took <= 10 * kStep) << one.what << ": " << out.took.count();
        EXPECT_EQ(out.state, "-") << one.what;
        EXPECT_EQ(out.closed, relay::CloseReason::Denied) << one.what;
        EXPECT_EQ(proxy->verdicts.all.back(), std::string(FarHost::kApplication) + " mtls " + one.state) << one.what;
      }
      EXPECT_EQ(far->plain, 0) << one.what;
      EXPECT_EQ(far->heard.find(kSecret), std::string::npos) << one.what;
      const std::string word = std::string(one.state).substr(0, std::string_view(one.state).find(':'));
      EXPECT_EQ(counter("loam_mtls_without_peer_total", word), 2) << one.what;
      EXPECT_EQ(counter("loam_mtls_fallbacks_total"), 0) << one.what;
    }
  }
}

TEST_F(HostilePeerTest, D5_WhoPrefersFallsBackWithinBoundsAndSaysWhy) {
  for (const Hostile& one : hostiles()) {
    start(at("prefer"), one.does);
    const Outcome out = connect();
    EXPECT_EQ(out.got, "hello") << one.what;
    EXPECT_LE(out.took, 2 * Peers::kPatienceUnasked + 4 * kStep) << one.what << ": nobody knew the peer";
    EXPECT_TRUE(one.isSlow || out.took <= 10 * kStep) << one.what << ": " << out.took.count();
    EXPECT_EQ(out.state, one.state) << one.what << ": on its edge of the record";
    const std::string word = std::string(one.state).substr(0, std::string_view(one.state).find(':'));
    EXPECT_EQ(counter("loam_mtls_fallbacks_total", word), 1) << one.what;
    EXPECT_EQ(counter("loam_mtls_connections_total", word), 1) << one.what;
    EXPECT_EQ(counter("loam_mtls_connections_total", "mutual"), 0) << one.what;
    EXPECT_EQ(far->told, kSecret) << one.what << ": once, and whole";
    EXPECT_EQ(far->heard.find(kSecret), std::string::npos) << one.what;
  }
}

TEST_F(HostilePeerTest, D4_WhoIsSomebodyElseIsNotSpokenToAndNamedSo) {
  for (const Hostile& one : strangers()) {
    start(at("strict"), one.does);
    const Outcome refused = connect();
    EXPECT_TRUE(refused.wasReset && refused.got.empty()) << one.what;
    EXPECT_EQ(proxy->verdicts.all, std::vector{std::string(FarHost::kApplication) + " mtls " + one.state}) << one.what;
    EXPECT_EQ(counter("loam_mtls_without_peer_total", one.state), 1) << one.what;
    EXPECT_EQ(far->plain, 0) << one.what;
    EXPECT_EQ(far->heard.find(kSecret), std::string::npos) << one.what;

    start(at("prefer"), one.does);
    const Outcome back = connect();
    EXPECT_EQ(back.got, "hello") << one.what;
    EXPECT_EQ(back.state, one.state) << one.what;
    EXPECT_EQ(counter("loam_mtls_fallbacks_total", one.state), 1) << one.what;
    EXPECT_EQ(far->heard.find(kSecret), std::string::npos) << one.what;
  }
}

TEST_F(HostilePeerTest, AfterSoManyFailuresNobodyWaitsAndThePeerIsTakenBackWhenItAnswers) {
  const FarHost::Behaviour asItShould = [this](Visit& visit) {
    shake(visit, good, {.says = std::string("\0hello", 6)});
  };
  start(at("prefer", R"(, "fallback_after": 3)"), asItShould);
  EXPECT_EQ(connect().state, "mutual");
  far->be([](Visit&) {});
  for (int i = 0; i < 3; ++i) {
    const Outcome out = connect();
    EXPECT_EQ(out.state, "handshake_failed");
    EXPECT_LE(out.took, kTimeout + 4 * kStep) << "a peer that was there is waited for, so long";
  }
  EXPECT_EQ(counter("loam_mtls_fallbacks_total", "handshake_failed"), 3);
  const Outcome suspended = connect();
  EXPECT_EQ(suspended.state, "suspended");
  EXPECT_LE(suspended.took, 4 * kStep) << "known to fail";
  EXPECT_EQ(counter("loam_mtls_fallbacks_total", "suspended"), 1);
  far->be(asItShould);
  pass(Peers::kAskAgainAfter + milliseconds(100));
  EXPECT_EQ(connect().state, "suspended") << "which asks beside the traffic";
  pass(milliseconds(500));
  EXPECT_EQ(connect().state, "mutual");
}

TEST_F(HostilePeerTest, StrictThatCameInTheMeantimeHoldsForWhoWaitsForThePeer) {
  start(at("prefer"), [](Visit&) {});
  const Outcome out = connect([this] { proxy->install(at("strict")); });
  EXPECT_TRUE(out.wasReset);
  EXPECT_EQ(out.closed, relay::CloseReason::Denied);
  EXPECT_EQ(far->plain, 0);
  // And the other way round: who may go on in plaintext by now does.
  start(at("strict"), [](Visit&) {});
  const Outcome eased = connect([this] { proxy->install(at("prefer")); });
  EXPECT_EQ(eased.got, "hello");
  EXPECT_EQ(eased.state, "handshake_failed");
}

TEST_F(HostilePeerTest, WhereNobodyListensOrNothingAnswersItIsSaidSo) {
  start(at("strict"), {});
  EXPECT_TRUE(connect().wasReset);
  EXPECT_EQ(proxy->verdicts.all.back(), std::string(FarHost::kApplication) + " mtls no_proxy");
  start(at("prefer"), {});
  EXPECT_EQ(connect().state, "no_proxy");
  guard::shell(
      "nft add table ip t && nft 'add chain ip t c { type filter hook input priority 0; }' && "
      "nft add rule ip t c tcp dport 7412 drop");
  start(at("strict"), {});
  const Outcome blocked = connect();
  EXPECT_TRUE(blocked.wasReset);
  EXPECT_LE(blocked.took, kTimeout + 4 * kStep);
  EXPECT_EQ(proxy->verdicts.all.back(), std::string(FarHost::kApplication) + " mtls port_blocked");
  start(at("prefer"), {});
  EXPECT_EQ(connect().state, "port_blocked");
  EXPECT_EQ(counter("loam_mtls_fallbacks_total", "port_blocked"), 1);
}

}  // namespace
}  // namespace loam::server
