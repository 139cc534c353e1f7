#pragma once

#include <optional>
#include <string>

#include "proxy/serve/body_pump.h"
#include "proxy/serve/ends.h"
#include "proxy/serve/way.h"

namespace loam::serve {

/// One exchange of a served connection, whose request's head was judged: through the filters to the server, and its
/// answer back. One thread.
class ServedExchange final : public filter::Forward {
 public:
  /// Both outlive it.
  ServedExchange(Ends& ends, Ways& ways);

  /// To the answer's last byte.
  io::Task<Turn> run();

  /// For the filters.
  io::Task<Result<filter::Response>> forward(filter::Exchange& exchange) override;

 private:
  io::Task<Turn> straight();
  io::Task<Turn> filtered(Way way);
  /// Dials `to`, or where the client wanted to go; where that fails turn_ says what follows.
  io::Task<Status> reachServer(std::optional<SocketAddress> to, bool fresh, Monotonic deadline);
  /// One sending, to the head of its answer.
  io::Task<Status> send(filter::Exchange& exchange, bool fresh);
  /// Passes the head on; `changed`: another target than the request's own.
  Turn sendHead(std::string_view head, const std::optional<std::string>& changed);
  /// Sends the body until the final answer's head stands in the server's answers.
  io::Task<Turn> reachAnswer();
  /// Answers that go before the final one are passed on.
  std::optional<Turn> lookAtAnswer();
  /// Go: it was an interim one, or it is the final one and stays where it is.
  Turn judgeAnswer(std::size_t length, bool& isFinal);
  /// Passes the final answer's head on, with what is to be added to it.
  io::Task<Turn> deliver(const filter::Fields& added);
  std::optional<Turn> faultOfRequest();
  io::Task<Turn> carryAnswer();
  std::optional<Turn> endOf(const BodyPump& answer);
  /// Gives an answer of a filter's own.
  io::Task<Turn> give(const filter::OwnAnswer& own);
  /// Whether the request's body, of which no server wants to know any more, is gone and another request can follow.
  io::Task<bool> dropBody();
  /// Waits for either side. Nothing where one was heard; else what it is that neither was for so long.
  io::Task<std::optional<Fault>> standstill(Fault stalled);
  /// When the bounds that filters set run out, were nothing to move from now on.
  Monotonic due() const;
  /// Which of them did.
  Fault late() const;
  ServerEnd& server() { return *ends_.current(); }
  Input& answers() { return server().answers(); }

  Ends& ends_;
  Ways& ways_;
  std::optional<BodyPump> request_;
  http::BodyPlan answerPlan_;
  filter::Bounds bounds_;
  Monotonic sentWhole_ = Monotonic::max();  // since when the server has the whole request
  std::unique_ptr<Journey> journey_;        // where filters look at it
  Turn turn_ = Turn::Go;                    // what follows where forward() brought no answer
  bool counted_ = false;                    // that its head went on
  std::size_t answerLength_ = 0;            // of the final answer's head, while that stands in the server's answers
  std::uint16_t status_ = 0;                // of it
  std::span<const http::HeaderField> answerFields_;  // good until another head is looked at
  bool tunnels_ = false;                             // it makes a tunnel of the connection
  bool keeps_ = true;                                // it lets another request follow
  unsigned interims_ = 0;                            // answers that went before the final one
};

}  // namespace loam::serve
