#include "shadow/decode/mysql_decoder.h"

#include <algorithm>

namespace loam::decode {
namespace {

constexpr std::uint64_t kMysql = 1u << 0;  // unset by a MariaDB that has extensions to offer
constexpr std::uint64_t kCompress = 1u << 5;
constexpr std::uint64_t kProtocol41 = 1u << 9;
constexpr std::uint64_t kSsl = 1u << 11;
constexpr std::uint64_t kDeprecateEof = 1u << 24;
constexpr std::uint64_t kOptionalMetadata = 1u << 25;
constexpr std::uint64_t kZstd = 1u << 26;
constexpr std::uint64_t kCacheMetadata = std::uint64_t{1} << 36;
constexpr std::size_t kFullFrame = 0xFF'FFFF;
constexpr std::size_t kResponseSize = 32;  // an SSLRequest; of a HandshakeResponse the fixed part
constexpr std::uint8_t kErr = 0xFF;

/// What stands behind the version in a greeting: connection id, 8 bytes of scramble, a zero, capabilities, ...
constexpr std::size_t kLowCapabilities = 13;
constexpr std::size_t kHighCapabilities = 18;
constexpr std::size_t kExtendedCapabilities = 27;

bool isPrintable(std::uint8_t byte) { return byte >= 0x20 && byte < 0x7F; }
bool isDigit(std::uint8_t byte) { return byte >= '0' && byte <= '9'; }

/// An error in place of a greeting: too many connections, host blocked, ...
Match matchRefusal(Bytes packet) {
  constexpr std::uint64_t kFirst = 1040;
  constexpr std::uint64_t kLast = 1226;
  if (packet.size() < 4) return Match::NeedMore;
  const std::uint64_t number = littleEndian(packet, 1, 2);
  return number >= kFirst && number <= kLast && isPrintable(packet[3]) ? Match::Yes : Match::No;
}

}  // namespace

Match matchMysql(Direction first, Bytes bytes, const DecoderContext&) {
  constexpr std::size_t kMostVersion = 90;
  if (first != Direction::Downstream) return Match::No;
  if (bytes.size() > 1 && bytes[1] > 1) return Match::No;
  if (bytes.size() > 2 && bytes[2] != 0) return Match::No;
  if (bytes.size() > 3 && bytes[3] != 0) return Match::No;
  if (bytes.size() < 5) return Match::NeedMore;
  const std::uint64_t length = littleEndian(bytes, 0, 3);
  const Bytes packet = bytes.subspan(4);
  if (length < 9) return Match::No;
  if (packet[0] == kErr) return matchRefusal(packet);
  if (packet[0] != 10 || length < 45) return Match::No;
  if (packet.size() > 1 && !isDigit(packet[1])) return Match::No;
  for (std::size_t i = 1; i < std::min(packet.size(), kMostVersion); ++i) {
    if (packet[i] != 0 && !isPrintable(packet[i])) return Match::No;
    if (packet[i] != 0) continue;
    constexpr std::size_t kFiller = 13;  // behind the connection id and the scramble
    if (packet.size() <= i + kFiller) return Match::NeedMore;
    return packet[i + kFiller] == 0 ? Match::Yes : Match::No;
  }
  return packet.size() < kMostVersion ? Match::NeedMore : Match::No;
}

std::unique_ptr<Decoder> makeMysqlDecoder(DecoderEvents& events, const DecoderContext& context) {
  return std::make_unique<MysqlDecoder>(events, context);
}

std::uint64_t MysqlDecoder::feed(Direction direction, Bytes bytes, Monotonic now) {
  ByteCursor cursor(bytes);
  read(direction, cursor, now);
  if (phase_ == Phase::Opaque) return kOpaque;
  if (phase_ == Phase::Tls) return tls_->feed(direction, cursor.rest(), now);
  return side(direction).frames.unseen();
}

void MysqlDecoder::skip(Direction direction, std::uint64_t count, Monotonic now) {
  if (phase_ == Phase::Tls) return tls_->skip(direction, count, now);
  side(direction).frames.skip(count);
  ByteCursor nothing{{}};
  read(direction, nothing, now);
}

void MysqlDecoder::end(Direction direction, Monotonic now) {
  if (tls_) tls_->end(direction, now);
}

void MysqlDecoder::close(Monotonic now) {
  if (tls_) tls_->close(now);
  phase_ = Phase::Opaque;
  while (!pending_.empty()) pending_.complete(Outcome::Incomplete, now);
}

void MysqlDecoder::read(Direction direction, ByteCursor& cursor, Monotonic now) {
  const bool upstream = direction == Direction::Upstream;
  Side& from = side(direction);
  while (phase_ != Phase::Opaque && phase_ != Phase::Tls) {
    switch (from.frames.advance(cursor, now)) {
      case FrameReader::Step::NeedMore:
        return;
      case FrameReader::Step::Header:
        onHeader(direction, from, now);
        break;
      case FrameReader::Step::Head:
        if (upstream && phase_ == Phase::Session && !from.continued) onClientHead(from);
        break;
      case FrameReader::Step::End:
        if (upstream && phase_ == Phase::Response) onResponse(from.frames.head(), !from.full && !from.continued);
        if (!upstream && !from.full) onServerPacket(from.frames.head(), from.continued, now);
        from.continued = from.full;
        break;
    }
  }
}

void MysqlDecoder::onHeader(Direction direction, Side& from, Monotonic now) {
  const bool upstream = direction == Direction::Upstream;
  const std::uint64_t length = littleEndian(from.frames.header(), 0, 3);
  from.full = length == kFullFrame;
  std::size_t keep = FrameReader::kMostKept;
  if (phase_ == Phase::Session) keep = upstream ? 1 : MysqlAnswer::kHead;
  from.frames.payload(length, from.continued ? 0 : keep);
  if (upstream && phase_ == Phase::Greeting) return lose(LossReason::OutOfStep);
  if (!upstream) pending_.answering(now);
}

void MysqlDecoder::onClientHead(Side& from) {
  const Bytes head = from.frames.head();
  if (sendsFile_) {
    if (head.empty()) sendsFile_ = false;
    return;
  }
  if (from.frames.header()[3] != 0) {
    // Only an authentication goes on with numbered packets.
    const bool authenticates = !pending_.empty() && pending_.back() == static_cast<std::uint32_t>(MysqlShape::Login);
    if (!authenticates) lose(LossReason::OutOfStep);
    return;
  }
  const MysqlShape shape = head.empty() ? MysqlShape::Simple : answerShape(head[0]);
  if (shape == MysqlShape::None) return;
  if (shape == MysqlShape::Unknown) return lose(LossReason::Ambiguous);
  if (!pending_.push(static_cast<std::uint32_t>(shape), from.frames.began())) lose(LossReason::BufferFull);
}

void MysqlDecoder::onServerPacket(Bytes head, bool big, Monotonic now) {
  switch (phase_) {
    case Phase::Greeting:
      return onGreeting(head);
    case Phase::Login:
      if (!big && !head.empty() && head[0] == 0) onLoggedIn();
      return;
    case Phase::Session:
      return onAnswer(head, big, now);
    default:
      return;
  }
}

void MysqlDecoder::onGreeting(Bytes packet) {
  if (!packet.empty() && packet[0] == kErr) {
    phase_ = Phase::Opaque;  // refused: nothing follows
    return;
  }
  const auto end = std::find(packet.begin(), packet.end(), 0);
  const Bytes rest = packet.subspan(static_cast<std::size_t>(end - packet.begin()));
  if (packet.empty() || packet[0] != 10 || rest.size() < kHighCapabilities + 3) return lose(LossReason::Malformed);
  // `rest` starts with the version's zero byte, so the offsets count from one before what follows it.
  capabilities_ = littleEndian(rest, kLowCapabilities + 1, 2) | littleEndian(rest, kHighCapabilities + 1, 2) << 16;
  if ((capabilities_ & kMysql) == 0 && rest.size() >= kExtendedCapabilities + 5) {
    capabilities_ |= littleEndian(rest, kExtendedCapabilities + 1, 4) << 32;
  }
  phase_ = Phase::Response;
}

void MysqlDecoder::onResponse(Bytes packet, bool whole) {
  if (!whole || packet.size() < kResponseSize) return lose(LossReason::Ambiguous);
  std::uint64_t theirs = littleEndian(packet, 0, 4);
  if ((theirs & kProtocol41) == 0) return lose(LossReason::Ambiguous);
  if ((theirs & kMysql) == 0) theirs |= littleEndian(packet, kResponseSize - 4, 4) << 32;
  const bool asksTls = (theirs & kSsl) != 0 && packet.size() == kResponseSize;
  capabilities_ &= theirs;
  phase_ = asksTls ? Phase::Tls : Phase::Login;
  if (asksTls) tls_ = std::make_unique<StartTls>(events_, context_);
}

void MysqlDecoder::onLoggedIn() {
  phase_ = Phase::Session;
  // Everything after this packet is compressed, both ways.
  if (capabilities_ & (kCompress | kZstd)) lose(LossReason::Ambiguous);
}

MysqlDialect MysqlDecoder::dialect() const {
  MysqlDialect dialect;
  dialect.deprecateEof = (capabilities_ & kDeprecateEof) != 0;
  dialect.preparesBare = (capabilities_ & kOptionalMetadata) != 0;
  dialect.optionalMetadata = dialect.preparesBare || (capabilities_ & kCacheMetadata) != 0;
  return dialect;
}

void MysqlDecoder::onAnswer(Bytes head, bool big, Monotonic now) {
  if (pending_.empty()) {
    // A server that closes on its own (idle, shut down) says so first.
    if (head.empty() || head[0] != kErr) lose(LossReason::OutOfStep);
    return;
  }
  if (!inAnswer_) answer_.begin(static_cast<MysqlShape>(pending_.front()), dialect());
  inAnswer_ = true;
  switch (answer_.onPacket(head, big)) {
    case MysqlAnswer::Step::More:
      return;
    case MysqlAnswer::Step::File:
      sendsFile_ = true;
      return;
    case MysqlAnswer::Step::Malformed:
      return lose(LossReason::Malformed);
    case MysqlAnswer::Step::Done:
      pending_.complete(Outcome::Ok, now);
      break;
    case MysqlAnswer::Step::Failed:
      pending_.complete(Outcome::Error, now, mysqlErrorClass(head));
      break;
  }
  inAnswer_ = false;
}

void MysqlDecoder::lose(LossReason reason) {
  phase_ = Phase::Opaque;
  pending_.clear();
  events_.onLost(reason);
}

}  // namespace loam::decode
