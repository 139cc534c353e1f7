#include "shadow/decode/postgres_decoder.h"

#include <string_view>

#include "shadow/decode/postgres_startup.h"
#include "shadow/decode/sql_state.h"

namespace loam::decode {
namespace {

constexpr std::size_t kMostOfError = 64;             // severity twice and the SQLSTATE come first
constexpr std::uint32_t kMostMessage = 0x4000'0000;  // the server's own limit is 1 GiB

/// The value of field `code` of an ErrorResponse of which `head` is the beginning.
std::string_view errorField(Bytes head, char code) {
  std::string_view rest(reinterpret_cast<const char*>(head.data()), head.size());
  while (!rest.empty()) {
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) return {};
    if (rest.front() == code) return rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

std::unique_ptr<Decoder> makePostgresDecoder(DecoderEvents& events, const DecoderContext& context) {
  return std::make_unique<PostgresDecoder>(events, context);
}

std::uint64_t PostgresDecoder::feed(Direction direction, Bytes bytes, Monotonic now) {
  ByteCursor cursor(bytes);
  read(direction, cursor, now);
  if (phase_ == Phase::Opaque) return kOpaque;
  if (phase_ == Phase::Tls) return tls_->feed(direction, cursor.rest(), now);
  return reader(direction).unseen();
}

void PostgresDecoder::skip(Direction direction, std::uint64_t count, Monotonic now) {
  if (phase_ == Phase::Tls) return tls_->skip(direction, count, now);
  reader(direction).skip(count);
  ByteCursor nothing{{}};
  read(direction, nothing, now);
}

void PostgresDecoder::end(Direction direction, Monotonic now) {
  if (tls_) tls_->end(direction, now);
}

void PostgresDecoder::close(Monotonic now) {
  if (tls_) tls_->close(now);
  if (!inMessages()) return;
  phase_ = Phase::Opaque;
  if (skipping_) settleSkipped(now);
  while (!pending_.empty()) {
    const auto kind = pending_.front();
    if (kind == kUntilReady && simpleError_) {
      pending_.report(Outcome::Error, now, *simpleError_);
      simpleError_.reset();
    } else if (kind == kUntilReady || awaitsCommand()) {
      pending_.report(Outcome::Incomplete, now);
    }
    syncDue_ = false;
    pending_.drop();
  }
}

void PostgresDecoder::read(Direction direction, ByteCursor& cursor, Monotonic now) {
  FrameReader& frames = reader(direction);
  const bool upstream = direction == Direction::Upstream;
  while (phase_ != Phase::Opaque && phase_ != Phase::Tls) {
    // Whoever asked for encryption has to wait for the answer: what comes before it could be either.
    if (upstream && asked() && frames.idle() && !cursor.empty()) return lose(LossReason::OutOfStep);
    switch (frames.advance(cursor, now)) {
      case FrameReader::Step::NeedMore:
        return;
      case FrameReader::Step::Header:
        onHeader(direction, now);
        break;
      case FrameReader::Step::Head:
        break;
      case FrameReader::Step::End:
        if (!upstream && inMessages()) onServerMessage(frames.header()[0], frames.head(), now);
        client_.setHeaderSize(inMessages() ? 5 : 8);
        server_.setHeaderSize(asked() ? 1 : 5);
        break;
    }
  }
}

void PostgresDecoder::onHeader(Direction direction, Monotonic now) {
  FrameReader& frames = reader(direction);
  const Bytes header = frames.header();
  const bool upstream = direction == Direction::Upstream;
  if (asked()) {
    if (upstream) return lose(LossReason::OutOfStep);
    frames.payload(0, 0);
    return onEncryptionAnswer(header[0]);
  }
  if (phase_ == Phase::Startup) {
    if (!upstream) return lose(LossReason::OutOfStep);
    return onStartup(header);
  }
  const std::uint32_t length = bigEndian32(header, 1);
  static constexpr std::string_view kFromClient = "QPBDECSHFXpdcf";
  static constexpr std::string_view kFromServer = "RKSZTDCENAI123ntsGHWdcVv";
  const std::string_view types = upstream ? kFromClient : kFromServer;
  if (types.find(static_cast<char>(header[0])) == std::string_view::npos || length < 4 || length > kMostMessage) {
    return lose(LossReason::Malformed);
  }
  frames.payload(length - 4, !upstream && header[0] == 'E' ? kMostOfError : 0);
  if (upstream) return onClientMessage(header[0], frames.began());
  static constexpr std::string_view kUnasked = "NAS";
  if (kUnasked.find(static_cast<char>(header[0])) == std::string_view::npos) pending_.answering(now);
}

void PostgresDecoder::onStartup(Bytes header) {
  const std::uint32_t length = bigEndian32(header, 0);
  const std::uint32_t code = bigEndian32(header, 4);
  if (!PostgresStartup::plausible(length, code)) return lose(LossReason::Malformed);
  client_.payload(length - 8, 0);
  if (code == PostgresStartup::kSslRequest) {
    phase_ = Phase::AskedTls;
  } else if (code == PostgresStartup::kGssRequest) {
    phase_ = Phase::AskedGss;
  } else if (code == PostgresStartup::kCancelRequest) {
    phase_ = Phase::Opaque;  // its answer is the end of the connection
  } else {
    phase_ = Phase::Login;
  }
}

void PostgresDecoder::onEncryptionAnswer(std::uint8_t answer) {
  if (answer == 'N') {
    phase_ = Phase::Startup;
  } else if (answer == 'S' && phase_ == Phase::AskedTls) {
    phase_ = Phase::Tls;
    tls_ = std::make_unique<StartTls>(events_, context_);
  } else if ((answer == 'G' && phase_ == Phase::AskedGss) || answer == 'E') {
    phase_ = Phase::Opaque;
  } else {
    lose(LossReason::Malformed);
  }
}

void PostgresDecoder::onClientMessage(std::uint8_t type, Monotonic began) {
  switch (type) {
    case 'Q':
    case 'F':
      push(kUntilReady, began);
      break;
    case 'E':
      push(kExecute, groupBegan_.value_or(began));
      break;
    case 'S':
      onSync(began);
      break;
    case 'P':
    case 'B':
    case 'D':
      if (!groupBegan_) groupBegan_ = began;
      return;
    case 'c':
    case 'f':
      copyIn_ = false;
      return;
    case 'H':
      break;
    default:
      return;
  }
  groupBegan_.reset();
}

void PostgresDecoder::onSync(Monotonic began) {
  if (copyIn_) return;
  if (pending_.empty() || pending_.back() != kExecute) return push(kSync, began);
  if (!pending_.setBackKind(kExecuteSync)) lose(LossReason::BufferFull);
}

void PostgresDecoder::onServerMessage(std::uint8_t type, Bytes head, Monotonic now) {
  switch (type) {
    case 'Z':
      return onReady(now);
    case 'E':
      return onError(sqlStateClass(errorField(head, 'C')), now);
    case 'C':
    case 'I':
    case 's':
      return onCommandEnd(now);
    case 'G':
      return onCopyIn();
    default:
      return;
  }
}

bool PostgresDecoder::awaitsCommand() const {
  if (pending_.empty()) return false;
  return pending_.front() == kExecute || (pending_.front() == kExecuteSync && !syncDue_);
}

void PostgresDecoder::onCommandEnd(Monotonic now) {
  if (!pending_.empty() && pending_.front() == kUntilReady) return;
  if (!awaitsCommand()) return lose(LossReason::OutOfStep);
  copyIn_ = false;
  pending_.report(Outcome::Ok, now);
  if (pending_.front() == kExecuteSync) {
    syncDue_ = true;
  } else {
    pending_.drop();
  }
}

void PostgresDecoder::onError(std::uint16_t status, Monotonic now) {
  if (phase_ == Phase::Login || skipping_) return;
  copyIn_ = false;
  if (!pending_.empty() && pending_.front() == kUntilReady) {
    simpleError_ = status;
    return;
  }
  skipping_ = true;
  skipStatus_ = status;
  if (!awaitsCommand()) return;
  pending_.report(Outcome::Error, now, status);
  if (pending_.front() == kExecuteSync) {
    syncDue_ = true;
  } else {
    pending_.drop();
  }
}

void PostgresDecoder::onReady(Monotonic now) {
  if (phase_ == Phase::Login) {
    phase_ = Phase::Session;
    return;
  }
  if (pending_.empty()) return lose(LossReason::OutOfStep);
  if (skipping_) return settleSkipped(now);
  if (awaitsCommand()) return lose(LossReason::OutOfStep);
  if (pending_.front() == kUntilReady) {
    pending_.report(simpleError_ ? Outcome::Error : Outcome::Ok, now, simpleError_.value_or(0));
    simpleError_.reset();
  }
  syncDue_ = false;
  pending_.drop();
}

/// Ends what the server threw away after an error, up to the Sync that made it listen again.
void PostgresDecoder::settleSkipped(Monotonic now) {
  skipping_ = false;
  for (bool synced = false; !synced && !pending_.empty();) {
    if (pending_.front() == kUntilReady || awaitsCommand()) pending_.report(Outcome::Error, now, skipStatus_);
    synced = pending_.front() == kSync || pending_.front() == kExecuteSync;
    syncDue_ = false;
    pending_.drop();
  }
}

void PostgresDecoder::onCopyIn() {
  if (pending_.empty() || pending_.front() == kUntilReady) return;
  // A client that sends on without waiting for the copy's end has no telling which of its Syncs count.
  if (!awaitsCommand() || !pending_.single()) return lose(LossReason::Ambiguous);
  copyIn_ = true;
  if (!pending_.setBackKind(kExecute)) lose(LossReason::BufferFull);
}

void PostgresDecoder::push(Kind kind, Monotonic started) {
  if (!pending_.push(kind, started)) lose(LossReason::BufferFull);
}

void PostgresDecoder::lose(LossReason reason) {
  phase_ = Phase::Opaque;
  pending_.clear();
  events_.onLost(reason);
}

}  // namespace loam::decode
