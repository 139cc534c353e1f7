#pragma once

#include <memory>
#include <optional>

#include "shadow/decode/frame_reader.h"
#include "shadow/decode/pending_exchanges.h"
#include "shadow/decode/postgres_startup.h"
#include "shadow/decode/start_tls.h"

namespace loam::decode {

std::unique_ptr<Decoder> makePostgresDecoder(DecoderEvents& events, const DecoderContext& context);

/// PostgreSQL's protocol 3. One exchange is a simple Query or FunctionCall until ReadyForQuery, or one Execute until
/// its CommandComplete, EmptyQueryResponse, PortalSuspended or ErrorResponse; an Execute that the server skips after an
/// error of its batch is an Error too. docs/protocols.md says the rest. Holds 128 bytes a direction and what
/// PendingExchanges holds: about 500 bytes a connection, at most 25 KB with a thousand unanswered pieces of a pipeline.
class PostgresDecoder final : public Decoder {
 public:
  PostgresDecoder(DecoderEvents& events, const DecoderContext& context)
      : events_(events), context_(context), pending_(events) {}

  std::uint64_t feed(Direction direction, Bytes bytes, Monotonic now) override;
  void skip(Direction direction, std::uint64_t count, Monotonic now) override;
  void end(Direction direction, Monotonic now) override;
  void close(Monotonic now) override;

 private:
  enum class Phase : std::uint8_t {
    Startup,   ///< the client's next message has no type byte
    AskedTls,  ///< the server's next byte answers an SSLRequest
    AskedGss,  ///< ... a GSSENCRequest
    Login,     ///< until the first ReadyForQuery
    Session,
    Tls,  ///< inside, `tls_` reads on
    Opaque,
  };
  enum Kind : PendingExchanges::Kind {
    kUntilReady,  ///< Query, FunctionCall: ReadyForQuery ends it
    kExecute,
    kSync,         ///< no exchange, but ReadyForQuery answers it
    kExecuteSync,  ///< an Execute with the Sync right behind it
  };

  void read(Direction direction, ByteCursor& cursor, Monotonic now);
  void onHeader(Direction direction, Monotonic now);
  void onStartup(Bytes header);
  void onEncryptionAnswer(std::uint8_t answer);
  void onClientMessage(std::uint8_t type, Monotonic began);
  void onServerMessage(std::uint8_t type, Bytes head, Monotonic now);
  void onSync(Monotonic began);
  void onCommandEnd(Monotonic now);
  void onError(std::uint16_t status, Monotonic now);
  void onReady(Monotonic now);
  void settleSkipped(Monotonic now);
  void onCopyIn();
  void push(Kind kind, Monotonic started);
  void lose(LossReason reason);
  FrameReader& reader(Direction direction) { return direction == Direction::Upstream ? client_ : server_; }
  bool asked() const { return phase_ == Phase::AskedTls || phase_ == Phase::AskedGss; }
  bool inMessages() const { return phase_ == Phase::Login || phase_ == Phase::Session; }
  /// The front is an Execute that was not answered yet.
  bool awaitsCommand() const;

  DecoderEvents& events_;
  DecoderContext context_;
  PendingExchanges pending_;
  FrameReader client_{8};
  FrameReader server_{5};
  std::unique_ptr<StartTls> tls_;
  std::optional<Monotonic> groupBegan_;       ///< first message of the extended query that leads to the next Execute
  std::optional<std::uint16_t> simpleError_;  ///< status of the simple query in front, once it failed
  std::uint16_t skipStatus_ = 0;              ///< of the error that the batch in front failed with
  Phase phase_ = Phase::Startup;
  bool skipping_ = false;  ///< the server throws everything away until the next Sync
  bool syncDue_ = false;   ///< of the kExecuteSync in front only the Sync is unanswered
  bool copyIn_ = false;    ///< COPY FROM STDIN of an Execute: the server ignores Sync until the client ends it
};

}  // namespace loam::decode
