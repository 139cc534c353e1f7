#pragma once

#include <chrono>
#include <cstring>

#include "proxy/tls/preface.h"
#include "tests/proxy/server/far_host.h"
#include "tests/proxy/server/peer_port_fixture.h"
#include "tests/proxy/server/proxy_on_a_loop.h"

namespace loam::server {

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
inline std::vector<Hostile> HostilePeerTest::withoutTls() {
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
inline std::vector<Hostile> HostilePeerTest::withinTls() {
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

inline std::vector<Hostile> HostilePeerTest::hostiles() {
  std::vector<Hostile> all = withoutTls();
  for (Hostile& one : withinTls()) all.push_back(std::move(one));
  return all;
}

/// Those who are somebody else (D4), in a handshake that is good or would be.
inline std::vector<Hostile> HostilePeerTest::strangers() {
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

}  // namespace loam::server
