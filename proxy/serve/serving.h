#pragma once

#include <optional>
#include <random>
#include <vector>

#include "proxy/filters/serve.h"
#include "proxy/relay/relay.h"
#include "proxy/serve/body_pump.h"
#include "proxy/serve/counters.h"
#include "proxy/serve/journey.h"
#include "proxy/serve/way.h"

namespace loam::serve {

/// What the served connections of one worker share.
struct Resources {
  relay::Resources& relay;
  Counters& counters;
  filter::Tally& tally;
  filter::VerdictSink& verdicts;
  ReadBuffers buffers{};
  Journeys journeys{};
  std::minstd_rand dice{std::random_device()()};
  std::vector<http::HeaderField> fields{};  ///< of the head that is being judged; room for the most that settings allow
};

/// A connection that is terminated by the strict codec instead of relayed: one request after the other, each judged
/// before a byte of it goes on, shown to the filters that the snapshot has for it, and forwarded as it came to a server
/// of this connection's own. What the server says is judged alike. The tap sees what it sees of a relayed connection,
/// and the answers that the proxy gives itself. One thread.
class Serving final : public filter::Forward {
 public:
  /// Everything outlives it.
  Serving(Resources& resources, const filters::ServeSettings& settings, Ways& ways, relay::Leg client,
          relay::Leg server, relay::Tap& tap, relay::Relayed& progress);

  /// To the end of the connection, which it leaves ended or reset on both sides.
  io::Task<relay::CloseReason> run();

  /// For the filters of the exchange under way.
  io::Task<Result<filter::Response>> forward(filter::Exchange& exchange) override;

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
    bool expects = false;    ///< 100 (Continue), before it sends its body
    std::size_t length = 0;  ///< of the head, while that stands in requests_
  };

  io::Task<Turn> awaitRequest();
  /// Nothing while what stands in the input is not whole; the same below.
  std::optional<Turn> lookAtRequest();
  std::optional<Turn> lookAtIdleServer();
  Turn judgeRequest(std::size_t length);
  /// Room for as many fields as a head may have.
  std::span<http::HeaderField> fields() const { return std::span(resources_.fields).first(settings_.maxFields); }
  io::Task<Turn> exchange();
  io::Task<Turn> filtered(const Way& way);
  /// `changed`: another target than the request's own.
  Turn sendHead(const std::optional<std::string>& changed);
  /// Sends the body until the final answer's head stands in answers_.
  io::Task<Turn> reachAnswer();
  /// Answers that go before the final one are passed on.
  std::optional<Turn> lookAtAnswer();
  /// Go: it was an interim one, or it is the final one and stays where it is.
  Turn judgeAnswer(std::size_t length, bool& isFinal);
  /// Passes the final answer's head on, with what is to be added to it.
  io::Task<Turn> deliver(const filter::Fields& added);
  std::optional<Turn> faultOf(const BodyPump& request);
  io::Task<Turn> carryAnswer();
  std::optional<Turn> endOf(const BodyPump& answer, const BodyPump& request);
  /// Gives an answer of a filter's own.
  io::Task<Turn> give(const filter::OwnAnswer& own);
  /// Whether the request's body, of which no server wants to know any more, is gone and another request can follow.
  io::Task<bool> dropBody();
  io::Task<relay::CloseReason> tunnel();
  /// Gives the answer of refusal_.
  void answer();
  void say(std::string_view text);
  io::Task<void> endBoth();
  Turn refuse(Fault fault);
  Turn refuse(Refusal refusal);
  Turn foreign();
  /// False when neither side said anything until `deadline`.
  io::Task<bool> untilEither(Monotonic deadline);
  /// Waits for either side. Nothing where one was heard; else what it is that neither was for so long.
  io::Task<std::optional<Fault>> standstill(Fault stalled);
  /// When the bounds that filters set run out, were nothing to move from now on.
  Monotonic due() const;
  Monotonic now() const { return client_.socket().loop().now(); }

  Resources& resources_;
  const filters::ServeSettings& settings_;
  Ways& ways_;
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
  std::optional<BodyPump> request_;
  filter::Bounds bounds_;
  Monotonic sentWhole_ = Monotonic::max();  // since when the server has the whole request
  Turn turn_ = Turn::Go;                    // what forward() came to
  std::size_t answerLength_ = 0;            // of the final answer's head, while that stands in answers_
  std::uint16_t status_ = 0;                // of it
  bool tunnels_ = false;                    // it makes a tunnel of the connection
  unsigned interims_ = 0;                   // answers to the request under way that went before the final one
  std::size_t lineEnds_ = 0;                // bytes that were passed over before the request that is awaited
  bool first_ = true;                       // no request went on yet
  bool again_ = false;                      // an answer went back whole before this request
  bool asking_ = false;                     // a request went on that is not answered whole
  bool answering_ = false;                  // bytes of its final answer went back
  bool keeps_ = true;                       // which lets another request follow
};

}  // namespace loam::serve
