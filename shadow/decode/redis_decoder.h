#pragma once

#include <memory>

#include "shadow/decode/pending_exchanges.h"
#include "shadow/decode/redis_commands.h"
#include "shadow/decode/redis_replies.h"
#include "shadow/decode/redis_subscriptions.h"
#include "shadow/decode/registry.h"

namespace loam::decode {

/// Says Yes to a client that opens with an array of bulk strings or a well-known inline command, and to a server that
/// refuses a connection in Redis' words.
Match matchRedis(Direction first, Bytes bytes, const DecoderContext& context);
std::unique_ptr<Decoder> makeRedisDecoder(DecoderEvents& events, const DecoderContext& context);

/// Redis, RESP2 and RESP3. One exchange is one command and its reply, in a transaction and in a pipeline too; a
/// SUBSCRIBE ends with its last confirmation. Messages, pushes and monitored commands are none. An error reply is an
/// error. docs/protocols.md says the rest. About 450 bytes a connection; a pipeline adds 24 for each of its unanswered
/// pieces, at most 25 KB.
class RedisDecoder final : public Decoder {
 public:
  explicit RedisDecoder(DecoderEvents& events) : events_(events), pending_(events) {}

  std::uint64_t feed(Direction direction, Bytes bytes, Monotonic now) override;
  void skip(Direction direction, std::uint64_t count, Monotonic now) override;
  void end(Direction, Monotonic) override {}
  void close(Monotonic now) override;

 private:
  /// The lower byte of a pending kind; the rest is how many confirmations a subscription has to get, 0 for "as many as
  /// there are".
  enum Kind : std::uint8_t { kPlain, kSubscription, kHello, kMonitor, kReset };
  /// Whether the server answers (CLIENT REPLY).
  enum class Replies : std::uint8_t { On, Off, SkipNext };

  void readCommands(ByteCursor& cursor, Monotonic now);
  void readReplies(ByteCursor& cursor, Monotonic now);
  void onCommand();
  bool onClientReply();
  void onValue(Monotonic now);
  void onReply(Monotonic now);
  void onConfirmation(RedisSubscriptions::Change change, Monotonic now);
  PendingExchanges::Kind subscriptionKind(RedisSubscriptions::Change change) const;
  void becomeOpaque();
  void lose(LossReason reason);

  DecoderEvents& events_;
  PendingExchanges pending_;
  RedisCommands commands_;
  RedisReplies replies_;
  RedisSubscriptions subscriptions_;
  std::uint64_t confirmationsDue_ = 0;  ///< of the subscription in front, once its first came
  Replies answers_ = Replies::On;
  bool inTransaction_ = false;  ///< by the commands so far
  bool resp3_ = false;          ///< by the replies so far
  bool opaque_ = false;
};

}  // namespace loam::decode
