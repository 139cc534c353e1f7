#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "proxy/server/connection.h"
#include "proxy/server/idle_server.h"
#include "proxy/server/simulation.h"
#include "tests/support/fake_clock.h"

namespace loam::server {

/// What the record would be told of one connection.
struct Told {
  relay::ConnectionFacts facts;
  std::string security{};  ///< in the words of reports; "-" where it never came to be
  std::string identity{};
  std::optional<relay::CloseReason> closed{};
};

class TellingTap final : public relay::Tap {
 public:
  explicit TellingTap(Told& told) : told_(told) {}
  void onConnected(const relay::Connected& how) override {
    told_.security = relay::text(how.security);
    told_.identity = how.identity;
  }
  std::uint64_t onBytes(relay::Direction, std::span<const std::uint8_t>, Monotonic) override { return kOpaque; }
  void onSkipped(relay::Direction, std::uint64_t, Monotonic) override {}
  void onEnd(relay::Direction, Monotonic) override {}
  void onClosed(relay::CloseReason reason, Monotonic) override { told_.closed = reason; }

 private:
  Told& told_;
};

class TellingTaps final : public relay::TapFactory {
 public:
  std::unique_ptr<relay::Tap> open(const relay::ConnectionFacts& facts, Monotonic) override {
    all.push_back(std::make_unique<Told>(Told{.facts = facts, .security = "-"}));
    return std::make_unique<TellingTap>(*all.back());
  }
  void flush(Monotonic) override {}

  std::vector<std::unique_ptr<Told>> all;
};

class TellingVerdicts final : public filter::VerdictSink {
 public:
  void onDenied(const filter::ConnectionView& view, const filter::Verdict& verdict) override {
    all.push_back(view.destination.text() + " " + std::string(verdict.feature) + " " + std::string(verdict.rule));
    enforced += verdict.enforced ? 1 : 0;
  }
  std::size_t enforced = 0;
  std::vector<std::string> all;
};

/// All that a worker shares between its connections, on one loop and without a thread, so that time is the test's.
struct ProxyOnALoop {
  ProxyOnALoop(const Clock& clock, const CurrentIdentity* current, std::shared_ptr<const ServiceTable> table)
      : loop(*io::EventLoop::make(clock)), identity(current, clock), services(std::move(table)) {}

  void carryFrom(Descriptor accepted, const SocketAddress& client, Entry entry) {
    io::Accepted taken{std::move(accepted), client};
    connections.spawn(entry.forProxies ? carryFromPeer(context, std::move(taken))
                                       : carry(context, std::move(taken), entry));
  }
  void install(std::shared_ptr<const ServiceTable> table) {
    services = std::move(table);
    context.services = services;
    live.visitSimulations([](Simulation& simulation) { simulation.onSnapshot(); });
  }

  std::unique_ptr<io::EventLoop> loop;
  relay::Resources resources;
  TellingTaps taps;
  TellingVerdicts verdicts;
  Counters counters;
  serve::Resources serving{
      .relay = resources, .counters = counters.serving, .tally = counters.tally, .verdicts = verdicts};
  LiveConnections live;
  LoopGuard loopGuard{{}};
  PeerIdentity identity;
  Peers peers{*loop, 7412, identity};
  std::shared_ptr<const ServiceTable> services;
  ServerPool idle;
  WorkerContext context{.loop = *loop,
                        .resources = resources,
                        .serving = serving,
                        .taps = taps,
                        .counters = counters,
                        .live = live,
                        .loopGuard = loopGuard,
                        .identity = identity,
                        .peers = peers,
                        .verdicts = verdicts,
                        .terms = {},
                        .services = services,
                        .missed = {},
                        .idle = idle,
                        .onBypass = [](const SocketAddress&, const std::function<void()>& done) { done(); }};
  io::TaskScope connections;
};

}  // namespace loam::server
