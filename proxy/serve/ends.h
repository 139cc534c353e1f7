#pragma once

#include <optional>
#include <random>
#include <vector>

#include "proxy/filters/serve.h"
#include "proxy/http/http1_body.h"
#include "proxy/relay/relay.h"
#include "proxy/serve/counters.h"
#include "proxy/serve/journey.h"
#include "proxy/serve/server_end.h"

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

/// What follows.
enum class Turn : std::uint8_t {
  Go,         ///< on with the exchange, or to the next request
  Tunnel,     ///< bytes of another protocol, both ways
  End,        ///< both sides are told in order
  ClientCut,  ///< the client went, or did wrong half way: both sides are reset
  ServerCut,  ///< the server went half way: the client is reset, so that he sees it
  Answer,     ///< `refusal`, and the end
};

/// Of the request under way, as far as its answer has to know.
struct Asked {
  bool head = false;
  bool connect = false;
  bool keepsAlive = false;
  bool expects = false;    ///< 100 (Continue), before it sends its body
  std::size_t length = 0;  ///< of its head, which stands in `requests` until it goes on
  http::BodyPlan body{};
};

/// The client's end of a served connection, the server's, and how far they are with each other. One thread.
class Ends {
 public:
  /// Everything outlives it. `server`: none where it could not be dialled yet.
  Ends(Resources& shared, const filters::ServeSettings& terms, relay::Leg from, std::optional<relay::Leg> to,
       relay::Tap& seenBy);

  /// Room for as many fields as a head may have.
  std::span<http::HeaderField> fields() const { return std::span(resources.fields).first(settings.maxFields); }
  Monotonic now() const { return client.socket().loop().now(); }
  /// False when neither side said anything until `deadline`.
  io::Task<bool> untilEither(Monotonic deadline);
  /// Gives the client an answer of the proxy's own.
  void say(std::string_view text);
  /// Ends the exchange under way: by an answer where none has begun, else by a cut.
  Turn refuse(Fault fault);
  Turn refuse(http::HeadFault fault);
  /// Gives the answer of the refusal.
  void answer();
  /// What a turn other than Go means to who waited for an answer's head: Closed, Timeout or Reset.
  Error whyNoAnswer(Turn turn) const;
  /// The server of the exchange under way; null: there is none yet.
  ServerEnd* current() { return away ? away.get() : (server ? &*server : nullptr); }
  /// It is reset, since it has half an exchange that nobody wants any more.
  void dropServer();
  /// The exchange is over: a server that was not the client's own may serve others.
  void leaveAway(Ways& ways);
  /// Bytes that servers sent and that went on.
  std::uint64_t fromServers() const;

  Resources& resources;
  const filters::ServeSettings& settings;
  const relay::Leg client;
  relay::Tap& tap;
  Input requests;
  Output toClient;
  std::optional<ServerEnd> server;  ///< the client's own
  std::unique_ptr<ServerEnd> away;  ///< that of the exchange under way, where it is another
  Asked asked;
  bool asking = false;     ///< a request went on that is not answered whole
  bool answering = false;  ///< bytes of its final answer went back

 private:
  Turn refuse(const Refusal& refusal, Counter& counter);

  Refusal refusal_;
  Counter* refused_ = nullptr;  // that counts it, once it is given
  std::uint64_t fromDropped_ = 0;
};

}  // namespace loam::serve
