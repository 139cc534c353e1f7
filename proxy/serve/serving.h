#pragma once

#include <optional>
#include <vector>

#include "proxy/filters/serve.h"
#include "proxy/relay/relay.h"
#include "proxy/serve/body_pump.h"
#include "proxy/serve/counters.h"

namespace loam::serve {

/// What the served connections of one worker share.
struct Resources {
  relay::Resources& relay;
  Counters& counters;
  ReadBuffers buffers{};
  std::vector<http::HeaderField> fields{};  ///< of the head that is being judged; room for the most that settings allow
};

/// A connection that is terminated by the strict codec instead of relayed: one request after the other, each judged
/// before a byte of it goes on, and forwarded as it came to a server of this connection's own. What the server says is
/// judged alike. The tap sees what it sees of a relayed connection, and the answers that the proxy gives itself. One
/// thread.
class Serving {
 public:
  /// Everything outlives it.
  Serving(Resources& resources, const filters::ServeSettings& settings, relay::Leg client, relay::Leg server,
          relay::Tap& tap, relay::Relayed& progress);

  /// To the end of the connection, which it leaves ended or reset on both sides.
  io::Task<relay::CloseReason> run();

 private:
  /// What follows.
  enum class Turn : std::uint8_t {
    Go,         ///< on with the exchange, or to the next request
    Tunnel,     ///< bytes of another protocol, both ways
    End,        ///< both sides are told in order
    ClientCut,  ///< the client went, or did wrong half way: both sides are reset
    ServerCut,  ///< the server went half way: the client is reset, so that he sees it
    Answer,     ///< refusal_, and the end
  };
  /// Of the request under way, as far as its answer has to know: its head has gone on by then.
  struct Asked {
    bool head = false;
    bool connect = false;
    bool keepsAlive = false;
  };

  io::Task<Turn> awaitRequest();
  /// Nothing while what stands in the input is not whole; the same below.
  std::optional<Turn> lookAtRequest();
  std::optional<Turn> lookAtIdleServer();
  Turn judgeRequest(std::size_t length);
  /// Room for as many fields as a head may have.
  std::span<http::HeaderField> fields() const { return std::span(resources_.fields).first(settings_.maxFields); }
  io::Task<Turn> exchange();
  /// Answers that go before the final one are passed on.
  std::optional<Turn> lookAtAnswer();
  /// Go: it was an interim one.
  Turn judgeAnswer(std::size_t length, bool& isFinal);
  std::optional<Turn> faultOf(const BodyPump& request);
  io::Task<Turn> carryAnswer(BodyPump& request);
  std::optional<Turn> endOf(const BodyPump& answer, const BodyPump& request);
  io::Task<relay::CloseReason> tunnel();
  /// Gives the answer of refusal_.
  void answer();
  io::Task<void> endBoth();
  Turn refuse(Fault fault);
  Turn refuse(Refusal refusal);
  Turn foreign();
  /// False when neither side said anything until `deadline`.
  io::Task<bool> untilEither(Monotonic deadline);
  Monotonic now() const { return client_.socket().loop().now(); }

  Resources& resources_;
  const filters::ServeSettings& settings_;
  const relay::Leg client_;
  const relay::Leg server_;
  relay::Tap& tap_;
  relay::Relayed& progress_;
  Input requests_;
  Input answers_;
  Output toServer_;
  Output toClient_;
  http::BodyPlan requestPlan_;
  http::BodyPlan answerPlan_;
  Refusal refusal_;
  Asked asked_;
  unsigned interims_ = 0;     // answers to the request under way that went before the final one
  std::size_t lineEnds_ = 0;  // bytes that were passed over before the request that is awaited
  bool first_ = true;         // no request went on yet
  bool again_ = false;        // an answer went back whole before this request
  bool asking_ = false;       // a request went on that is not answered whole
  bool answering_ = false;    // bytes of its final answer went back
  bool keeps_ = true;         // which lets another request follow
};

}  // namespace loam::serve
