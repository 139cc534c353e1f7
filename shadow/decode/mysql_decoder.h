#pragma once

#include <memory>

#include "shadow/decode/frame_reader.h"
#include "shadow/decode/mysql_answer.h"
#include "shadow/decode/pending_exchanges.h"
#include "shadow/decode/registry.h"
#include "shadow/decode/start_tls.h"

namespace loam::decode {

/// Says Yes to a server that opens with a version 10 greeting, or with an error in place of one.
Match matchMysql(Direction first, Bytes bytes, const DecoderContext& context);
std::unique_ptr<Decoder> makeMysqlDecoder(DecoderEvents& events, const DecoderContext& context);

/// The protocol of MySQL and MariaDB. One exchange is one command that has an answer, until the last packet of that
/// answer; the login is none, a CHANGE_USER is one. An ERR packet is an error. docs/protocols.md says the rest. Holds
/// 128 bytes a direction and what PendingExchanges holds: about 500 bytes a connection, at most 25 KB with a thousand
/// unanswered commands.
class MysqlDecoder final : public Decoder {
 public:
  MysqlDecoder(DecoderEvents& events, const DecoderContext& context)
      : events_(events), context_(context), pending_(events) {}

  std::uint64_t feed(Direction direction, Bytes bytes, Monotonic now) override;
  void skip(Direction direction, std::uint64_t count, Monotonic now) override;
  void end(Direction direction, Monotonic now) override;
  void close(Monotonic now) override;

 private:
  enum class Phase : std::uint8_t {
    Greeting,  ///< the server's first packet
    Response,  ///< the client's answer to it
    Login,     ///< until the server's OK
    Session,
    Tls,  ///< inside, `tls_` reads on
    Opaque,
  };

  /// One direction: a packet of 16 MB - 1 goes on in the next frame.
  struct Side {
    FrameReader frames{4};
    bool full = false;       ///< the frame has the greatest size, so another one follows
    bool continued = false;  ///< the frame goes on with an earlier one's packet
  };

  void read(Direction direction, ByteCursor& cursor, Monotonic now);
  void onHeader(Direction direction, Side& side, Monotonic now);
  void onClientHead(Side& side);
  void onServerPacket(Bytes head, bool big, Monotonic now);
  void onGreeting(Bytes packet);
  void onResponse(Bytes packet, bool whole);
  void onLoggedIn();
  void onAnswer(Bytes head, bool big, Monotonic now);
  void lose(LossReason reason);
  Side& side(Direction direction) { return direction == Direction::Upstream ? client_ : server_; }
  MysqlDialect dialect() const;

  DecoderEvents& events_;
  DecoderContext context_;
  PendingExchanges pending_;  ///< kinds are MysqlShape
  Side client_;
  Side server_;
  std::unique_ptr<StartTls> tls_;
  std::uint64_t capabilities_ = 0;  ///< the server's, then what both have; MariaDB's extensions from bit 32 on
  MysqlAnswer answer_;
  Phase phase_ = Phase::Greeting;
  bool inAnswer_ = false;   ///< the first packet of the answer in front was seen
  bool sendsFile_ = false;  ///< LOCAL INFILE: the client's packets are a file, until an empty one
};

}  // namespace loam::decode
