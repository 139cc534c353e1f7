#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "proxy/io/dial.h"
#include "proxy/io/task_scope.h"
#include "proxy/relay/security.h"
#include "proxy/server/peer_identity.h"
#include "proxy/tls/preface.h"

namespace loam::server {

/// A connection to the proxy of another host, asked for by a preface; or what came of trying.
struct PeerCall {
  std::unique_ptr<tls::Stream> stream;  ///< null unless the answer is Accepted
  relay::Security security;             ///< Mutual with an answer; else what stood in the way
  tls::Answer answer = tls::Answer::Failed;
};

/// How to call one.
struct PeerTerms {
  io::DialOptions dial;  ///< its destination is the application's; the port is replaced
  tls::Preface preface;
  std::vector<std::string> expected{};  ///< names of the proxies that may answer; empty: any of the mesh
  milliseconds patience{5000};          ///< for the handshake, and once more for the answer
};

/// The proxies of other hosts, as one worker knows them: calls them, and remembers how each destination's answered, so
/// that nobody waits twice for one that is not there. One thread.
class Peers {
 public:
  static constexpr milliseconds kAskEvery{10'000};       ///< a peer that would do
  static constexpr milliseconds kAskAgainAfter{1000};    ///< one that would not
  static constexpr milliseconds kPatienceUnasked{1000};  ///< with one of whom nothing is known
  static constexpr std::size_t kMostKnown = 4096;

  /// `port`: where all proxies of the mesh take each other's connections. All outlive it.
  Peers(io::EventLoop& loop, std::uint16_t port, PeerIdentity& identity)
      : loop_(loop), port_(port), identity_(identity) {}

  /// What is known of the peer of that destination: Unprobed where nobody asked.
  relay::Security known(const SocketAddress& destination) const;
  /// Nobody asks it now, and what is known is old, or nothing is.
  bool isDue(const SocketAddress& destination);
  /// Asks it beside the traffic.
  void ask(PeerTerms terms);
  /// Whether a caller who may fall back should try: not where it is known to fail.
  static bool isWorthTrying(relay::Security security) {
    return security.state == relay::Security::State::Ready || security.state == relay::Security::State::Unprobed;
  }
  /// The same of the peer of a destination, and also where it said no, which costs no wait to hear again, and may have
  /// changed its mind: a snapshot was installed since, or it was asked kAskAgainAfter ago. Who calls once a day would
  /// else go by what was so the day before.
  bool isWorthCalling(const SocketAddress& destination) const;
  /// What flags say, here and at the peers, is another thing now.
  void onSnapshot() { ++snapshots_; }
  /// Dials the peer, shakes hands and has it dial the application. `fallbackAfter` failed handshakes within 10 s
  /// suspend it.
  io::Task<PeerCall> call(PeerTerms terms, std::uint32_t fallbackAfter);

 private:
  static constexpr seconds kFailuresWithin{10};

  struct Known {
    relay::Security security{relay::Security::State::Unprobed, 0};
    Monotonic asked{};
    std::uint64_t askedUnder = 0;  // snapshots_ then
    bool asking = false;
    std::uint32_t failures = 0;
    Monotonic failing{};  // since the first of them
  };

  bool isOld(const Known& known) const {
    return known.askedUnder != snapshots_ || loop_.now() - known.asked >= kAskAgainAfter;
  }
  io::Task<PeerCall> reach(PeerTerms terms);
  io::Task<void> askNow(PeerTerms terms);
  /// Null when there is no room for another.
  Known* entry(const SocketAddress& destination);
  void learn(const SocketAddress& destination, relay::Security outcome, std::uint64_t askedUnder,
             std::uint32_t fallbackAfter);

  io::EventLoop& loop_;
  const std::uint16_t port_;
  PeerIdentity& identity_;
  std::uint64_t snapshots_ = 0;
  std::unordered_map<SocketAddress, Known> known_;
  io::TaskScope asking_;
};

}  // namespace loam::server
