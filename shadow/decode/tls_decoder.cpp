#include "shadow/decode/tls_decoder.h"

#include <algorithm>

#include "shadow/decode/certificate_summary.h"
#include "shadow/decode/tls_hello.h"

namespace loam::decode {
namespace {

constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kClientHello = 1;
constexpr std::uint8_t kServerHello = 2;
constexpr std::uint8_t kCertificate = 11;
constexpr std::size_t kMessageHeader = 4;
constexpr std::uint16_t kTls13 = 0x0304;
constexpr std::size_t kLongestAlpn = 255;

std::size_t readUint24(std::span<const std::uint8_t> bytes) {
  return static_cast<std::size_t>(bytes[0]) << 16 | static_cast<std::size_t>(bytes[1]) << 8 | bytes[2];
}

}  // namespace

std::uint64_t TlsDecoder::feed(Direction direction, Bytes bytes, Monotonic) {
  Side& from = direction == Direction::Upstream ? up_ : down_;
  while (!lost_ && !from.done && !bytes.empty()) {
    if (from.left == 0) {
      takeRecordByte(direction, bytes[0]);
      bytes = bytes.subspan(1);
      continue;
    }
    const std::size_t taken = std::min<std::size_t>(from.left, bytes.size());
    from.left = static_cast<std::uint16_t>(from.left - taken);
    takePayload(direction, bytes.first(taken));
    bytes = bytes.subspan(taken);
  }
  return lost_ || from.done ? kOpaque : 0;
}

void TlsDecoder::takeRecordByte(Direction direction, std::uint8_t byte) {
  Side& from = direction == Direction::Upstream ? up_ : down_;
  from.record[from.headerSize++] = byte;
  if (from.headerSize < from.record.size()) return;
  from.headerSize = 0;
  from.left = static_cast<std::uint16_t>(from.record[3] << 8 | from.record[4]);
  if (from.record[1] != 3) return lose(LossReason::Malformed);
  const std::uint8_t type = from.record[0];
  // Compatibility ChangeCipherSpec may stand between the hellos; after a 1.2 hello it means an abbreviated handshake.
  if (type == kHandshake || (type == kChangeCipherSpec && !helloSeen_)) return;
  // An alert, or encrypted already: nothing more shows.
  if (direction == Direction::Downstream) finish(up_);
  finish(from);
}

void TlsDecoder::takePayload(Direction direction, Bytes payload) {
  Side& from = direction == Direction::Upstream ? up_ : down_;
  if (from.record[0] != kHandshake) return;
  while (!lost_ && !from.done && !payload.empty()) {
    const std::size_t room = kMostHeld - up_.messages.size() - down_.messages.size();
    if (room == 0) return lose(LossReason::TooLong);
    const std::size_t taken = std::min(payload.size(), room);
    from.messages.append(reinterpret_cast<const char*>(payload.data()), taken);
    payload = payload.subspan(taken);
    takeMessages(direction);
  }
}

void TlsDecoder::takeMessages(Direction direction) {
  Side& from = direction == Direction::Upstream ? up_ : down_;
  while (!lost_ && !from.done && from.messages.size() >= kMessageHeader) {
    const Bytes held(reinterpret_cast<const std::uint8_t*>(from.messages.data()), from.messages.size());
    const std::uint8_t type = held[0];
    const std::size_t size = readUint24(held.subspan(1)) + kMessageHeader;
    const bool whole = size <= held.size();
    const Bytes body = held.subspan(kMessageHeader, std::min(size, held.size()) - kMessageHeader);
    if (direction == Direction::Upstream) {
      if (type != kClientHello) return lose(LossReason::Malformed);
      if (!whole) return;
      return takeClientHello(body);
    }
    if (!takeServerMessage(type, body, whole)) return;
    if (!from.done && !lost_) from.messages.erase(0, size);
  }
}

/// False when it needs more of the message.
bool TlsDecoder::takeServerMessage(std::uint8_t type, Bytes body, bool whole) {
  if (helloSeen_) {
    if (type == kCertificate) {
      // The first certificate is the server's own; the rest of the chain is not waited for.
      if (body.size() < 6 && !whole) return false;
      const std::size_t size = body.size() < 6 ? 0 : readUint24(body.subspan(3));
      if (body.size() < 6 + size && !whole) return false;
      if (body.size() >= 6 + size && size > 0) {
        if (const std::string summary = summariseCertificate(body.subspan(6, size)); !summary.empty()) {
          events_.onCertificate(summary);
        }
      }
    }
    finish(down_);
    return true;
  }
  if (type != kServerHello) return lose(LossReason::Malformed), true;
  if (!whole) return false;
  const std::optional<ServerHello> hello = parseServerHello(body);
  if (!hello) return lose(LossReason::Malformed), true;
  if (hello->retry) return true;
  events_.onTls(hello->version, serverName_, hello->alpn.empty() && hello->version >= kTls13 ? offered_ : hello->alpn);
  helloSeen_ = hello->version < kTls13;
  finish(up_);
  if (!helloSeen_) finish(down_);
  return true;
}

void TlsDecoder::takeClientHello(Bytes body) {
  const std::optional<ClientHello> hello = parseClientHello(body);
  if (!hello) return lose(LossReason::Malformed);
  serverName_ = hello->serverName.substr(0, 255);
  offered_ = hello->alpn.substr(0, kLongestAlpn);
  names_.report(serverName_, events_);
  finish(up_);
}

void TlsDecoder::finish(Side& side) {
  side.done = true;
  std::string().swap(side.messages);
}

void TlsDecoder::lose(LossReason reason) {
  lost_ = true;
  finish(up_);
  finish(down_);
  events_.onLost(reason);
}

Match matchTls(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext&) {
  if (first != Direction::Upstream) return Match::No;
  constexpr std::size_t kLongestRecord = 16384 + 2048;
  const auto at = [&](std::size_t index, auto fits) { return bytes.size() <= index || fits(bytes[index]); };
  if (!at(0, [](int byte) { return byte == kHandshake; })) return Match::No;
  if (!at(1, [](int byte) { return byte == 3; })) return Match::No;
  if (!at(2, [](int byte) { return byte <= 4; })) return Match::No;
  if (!at(5, [](int byte) { return byte == kClientHello; })) return Match::No;
  if (bytes.size() < 6) return Match::NeedMore;
  const std::size_t length = static_cast<std::size_t>(bytes[3]) << 8 | bytes[4];
  return length >= kMessageHeader && length <= kLongestRecord ? Match::Yes : Match::No;
}

std::unique_ptr<Decoder> makeTlsDecoder(DecoderEvents& events, const DecoderContext& context) {
  return std::make_unique<TlsDecoder>(events, context);
}

}  // namespace loam::decode
