#pragma once

#include <future>

#include "proxy/relay/silent_tap.h"
#include "proxy/server/metrics.h"
#include "proxy/server/server.h"
#include "proxy/tls/preface.h"
#include "tests/proxy/server/mesh_host.h"
#include "tests/proxy/tls/raw_peer.h"

namespace loam::server {

using tls::test::RawPeer;

/// What a counter of these workers says; `label`: of one of its series, empty for their sum.
inline double counted(const std::vector<const Counters*>& workers, const std::string& family,
                      const std::string& label = "") {
  MetricFamilies families;
  collectWorkers(workers, families);
  double sum = 0;
  bool found = false;
  for (const auto& one : families) {
    if (one.name != family) continue;
    for (const auto& series : one.metric) {
      if (!label.empty() && (series.label.empty() || series.label[0].value != label)) continue;
      found = true;
      sum += series.counter.value;
    }
  }
  EXPECT_TRUE(found) << family << " " << label;
  return sum;
}

/// A running server "node-b" on 10.79.0.1, before an application at port 5432 of it; whoever calls does so from
/// 10.79.9.2, by OpenSSL alone.
class PeerPortTest : public MeshHostTest {
 protected:
  static constexpr const char* kApplication = "10.79.0.1:5432";
  static constexpr const char* kPort = "10.79.0.1:7412";
  static constexpr const char* kPeer = "10.79.9.2";

  void SetUp() override {
    MeshHostTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    application = std::make_unique<Doorstep>(kApplication);
    Settings settings;
    settings.workers = 1;
    settings.admin = *SocketAddress::parse("10.79.0.1:7402");
    auto started =
        Server::start(settings, clock, log, [](unsigned) { return std::make_unique<relay::SilentTapFactory>(); },
                      table({service("db", {kApplication}, "strict")}), {.identity = &identity, .verdicts = {}});
    ASSERT_TRUE(started) << started.error().describe();
    server = *std::move(started);
    ASSERT_TRUE(guard::eventually([] { return bool(guard::dial(kPort)); }));
    ASSERT_TRUE(becomesIdle());
  }

  void install(std::vector<wire::ServiceConfig> services) {
    const auto inEffect = std::make_shared<std::promise<void>>();
    auto waiting = inEffect->get_future();
    server->install(table(std::move(services)), [inEffect] { inEffect->set_value(); });
    ASSERT_EQ(waiting.wait_for(seconds(5)), std::future_status::ready);
  }
  bool becomesIdle() {
    return guard::eventually([&] { return server->active() == 0; });
  }
  double refused(const std::string& label) const {
    return counted(server->counters(), "loam_mtls_peers_refused_total", label);
  }

  /// Somebody who comes to the port; `issuer`'s certificate goes along with his own.
  static RawPeer caller(const Party* own, const Party* issuer = nullptr,
                        const std::function<void(SSL_CTX*)>& configure = {}) {
    return {false, guard::dial(kPort, milliseconds(2000), kPeer), own, [&](SSL_CTX* context) {
              if (issuer != nullptr) SSL_CTX_add1_chain_cert(context, issuer->certificate.get());
              if (configure) configure(context);
            }};
  }
  Party nodeA() const { return makeParty({}, &authority.intermediate); }
  static std::string prefaceTo(const SocketAddress& destination, bool question = false) {
    return tls::encode({*SocketAddress::parse("10.79.9.2:40000"), destination, question});
  }
  static void talk(RawPeer& peer, const std::function<bool()>& enough) {
    const auto end = std::chrono::steady_clock::now() + seconds(5);
    for (peer.step(); !enough() && !peer.ended && std::chrono::steady_clock::now() < end; peer.step()) {
      pollfd poll{peer.fd().get(), POLLIN, 0};
      ::poll(&poll, 1, 2);
    }
  }
  /// The good proxy's first bytes arrive, and the application's answer comes back.
  void expectLetIn() {
    const Party party = nodeA();
    RawPeer peer = caller(&party, &authority.intermediate);
    peer.toSend = prefaceTo(application->address());
    talk(peer, [&] { return application->wasDialled(); });
    const Descriptor served = application->accept(2000);
    ASSERT_TRUE(served) << peer.failure;
    ASSERT_EQ(::send(served.get(), "hello", 5, 0), 5);
    talk(peer, [&] { return peer.received.size() >= 6; });
    EXPECT_EQ(peer.received, std::string("\0hello", 6));
  }

  SystemClock clock;
  Log log{LogLevel::Error};
  std::unique_ptr<Doorstep> application;
  std::unique_ptr<Server> server;
};

}  // namespace loam::server
