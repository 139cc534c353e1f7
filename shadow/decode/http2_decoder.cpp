#include "shadow/decode/http2_decoder.h"

#include <algorithm>
#include <charconv>

namespace loam::decode {
namespace {

using http::FrameFault;
using http::FrameHeader;
using http::FrameReader;
using http::FrameType;
using http::HeaderField;
using Kind = http::FrameReader::Kind;

constexpr FrameReader::Limits kLimits{http::kMostFramePayload, 32 * 1024, 32 * 1024, 64};
// The size in force comes inline in the blocks; this only has to allow what a peer may have announced.
constexpr std::size_t kMostTable = 64 * 1024;

/// What a block holds, with the pseudo-headers told apart.
struct Fields {
  std::string_view method, scheme, authority, path, status, contentType, grpcStatus, host;
  std::span<const HeaderField> regular;
};

Fields sort(std::span<const HeaderField> fields) {
  Fields sorted;
  std::size_t pseudo = 0;
  for (const auto& [name, value] : fields) {
    if (name == ":method") sorted.method = value;
    if (name == ":scheme") sorted.scheme = value;
    if (name == ":authority") sorted.authority = value;
    if (name == ":path") sorted.path = value;
    if (name == ":status") sorted.status = value;
    if (name == "content-type") sorted.contentType = value;
    if (name == "grpc-status") sorted.grpcStatus = value;
    if (name == "host") sorted.host = value;
    if (name.starts_with(':')) ++pseudo;
  }
  const auto ahead = std::find_if_not(fields.begin(), fields.end(),
                                      [](const HeaderField& field) { return field.name.starts_with(':'); });
  // Pseudo-headers stand first; where they do not, none is shown as a field.
  sorted.regular = fields.subspan(std::max(pseudo, static_cast<std::size_t>(ahead - fields.begin())));
  return sorted;
}

int parseNumber(std::string_view text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0 && number < 1000 ? number : -1;
}

LossReason lossOf(FrameFault fault) {
  switch (fault) {
    case FrameFault::Preface:
      return LossReason::OutOfStep;
    case FrameFault::Flood:
      return LossReason::TooLong;
    default:
      return LossReason::Malformed;
  }
}

bool isGrpc(std::string_view contentType) {
  constexpr std::string_view kGrpc = "application/grpc";
  if (!contentType.starts_with(kGrpc)) return false;
  contentType.remove_prefix(kGrpc.size());
  return contentType.empty() || contentType.front() == '+' || contentType.front() == ';';
}

}  // namespace

Http2Decoder::Side::Side(const FrameReader::Limits& limits) : reader(limits) { inflater.allowTable(kMostTable); }

Http2Decoder::Http2Decoder(DecoderEvents& events, const DecoderContext& context)
    : events_(events), context_(context), up_(kLimits), down_(kLimits) {}

Http2Decoder::Http2Decoder(DecoderEvents& events, const DecoderContext& context, const UpgradedRequest& request)
    : Http2Decoder(events, context) {
  lastStream_ = 1;
  streams_.open(1, request.method, request.path)->started = request.started;
}

std::uint64_t Http2Decoder::feed(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) {
  if (!lost_ && direction == Direction::Upstream) bytes = bytes.subspan(takePreface(bytes));
  Side& from = side(direction);
  while (!lost_ && !bytes.empty()) {
    if (from.reader.idle()) from.blockAt = now;
    const FrameReader::Step step = from.reader.next(bytes);
    bytes = bytes.subspan(step.consumed);
    take(direction, step, now);
  }
  return lost_ ? kOpaque : from.reader.unseen();
}

std::size_t Http2Decoder::takePreface(std::span<const std::uint8_t> bytes) {
  std::size_t taken = 0;
  while (prefaceSize_ < http::kHttp2Preface.size() && taken < bytes.size()) {
    if (bytes[taken++] == static_cast<std::uint8_t>(http::kHttp2Preface[prefaceSize_++])) continue;
    lose(LossReason::Malformed);
    break;
  }
  return taken;
}

void Http2Decoder::take(Direction direction, const FrameReader::Step& step, Monotonic now) {
  if (step.kind == Kind::NeedMore) return;
  if (step.kind == Kind::Fault) return lose(lossOf(step.fault));
  if (step.kind == Kind::Block) return takeBlock(direction, step, now);
  OpenStream* stream = streams_.find(step.frame.stream);
  if (stream == nullptr) return;
  if (step.frame.type == FrameType::RstStream) {
    // A client that lets go has no answer; a server that does has failed.
    const bool failed = direction == Direction::Downstream;
    finish(streams_.close(stream->id), failed ? Outcome::Error : Outcome::Incomplete, now);
  } else if (step.frame.type == FrameType::Data && direction == Direction::Downstream && step.ended &&
             step.frame.has(http::kFlagEndStream)) {
    finish(streams_.close(stream->id), Outcome::Ok, now);
  }
}

void Http2Decoder::takeBlock(Direction direction, const FrameReader::Step& step, Monotonic now) {
  http::HpackInflater& inflater = side(direction).inflater;
  switch (inflater.inflate(step.payload)) {
    case http::HpackFault::None:
      break;
    case http::HpackFault::Compression:
      return lose(LossReason::Malformed);
    case http::HpackFault::TooLarge:
      return lose(LossReason::TooLong);
  }
  if (step.frame.type == FrameType::Headers) {
    if (direction == Direction::Upstream) {
      takeRequest(step.frame.stream, inflater.fields());
    } else {
      takeResponse(step.frame, inflater.fields(), now);
    }
  }
  inflater.release();
}

void Http2Decoder::takeRequest(std::uint32_t id, std::span<const HeaderField> fields) {
  if (id % 2 == 0) return lose(LossReason::Malformed);
  // Trailers, or a stream that was answered or reset before its request ended.
  if (id <= lastStream_) return;
  lastStream_ = id;
  const Fields sorted = sort(fields);
  if (sorted.method.empty()) return lose(LossReason::Malformed);
  OpenStream* stream = streams_.open(id, sorted.method, sorted.path.substr(0, sorted.path.find('?')));
  if (stream == nullptr) return lose(LossReason::BufferFull);
  stream->started = up_.blockAt;
  noteGrpc(*stream, sorted.contentType);

  const std::string_view authority = sorted.authority.empty() ? sorted.host : sorted.authority;
  names_.report(authority, events_);
  if (!*context_.showsHeads) return;
  filter::ExchangeView view;
  view.client = context_.client;
  view.destination = context_.destination;
  view.method = sorted.method;
  view.scheme = sorted.scheme;
  view.authority = authority;
  view.path = sorted.path;
  view.headers = sorted.regular;
  view.number = id;
  events_.onRequestHead(view);
}

void Http2Decoder::takeResponse(const FrameHeader& frame, std::span<const HeaderField> fields, Monotonic now) {
  OpenStream* stream = streams_.find(frame.stream);
  if (stream == nullptr) {
    // An answer to what was never asked; late ones of closed streams and pushed ones are read past.
    if (frame.stream % 2 == 1 && frame.stream > lastStream_) lose(LossReason::OutOfStep);
    return;
  }
  const Fields sorted = sort(fields);
  if (stream->status == 0) {
    const int status = parseNumber(sorted.status);
    if (status < 100) return lose(LossReason::Malformed);
    if (status < 200) return;
    stream->status = static_cast<std::uint16_t>(status);
    stream->firstByte = down_.blockAt - stream->started;
    noteGrpc(*stream, sorted.contentType);
  }
  if (stream->grpc && !sorted.grpcStatus.empty()) stream->grpcStatus = parseNumber(sorted.grpcStatus);
  if (frame.has(http::kFlagEndStream)) finish(streams_.close(frame.stream), Outcome::Ok, now);
}

void Http2Decoder::noteGrpc(OpenStream& stream, std::string_view contentType) {
  if (stream.grpc || !isGrpc(contentType)) return;
  stream.grpc = true;
  if (grpcTold_) return;
  grpcTold_ = true;
  events_.onProtocol(Protocol::Grpc);
}

void Http2Decoder::finish(OpenStream stream, Outcome outcome, Monotonic now) {
  Exchange exchange;
  exchange.started = stream.started;
  exchange.firstByte = stream.firstByte;
  exchange.total = now - stream.started;
  exchange.status = stream.status;
  exchange.method = stream.method();
  exchange.path = stream.path();
  exchange.number = stream.id;
  bool failed = stream.status >= 500;
  if (stream.grpc && stream.grpcStatus >= 0) {
    exchange.status = static_cast<std::uint16_t>(stream.grpcStatus);
    failed = stream.grpcStatus > 0;
  } else if (stream.grpc && stream.status == 200) {
    exchange.status = 0;
  }
  exchange.outcome = outcome == Outcome::Ok && failed ? Outcome::Error : outcome;
  events_.onExchange(exchange);
}

void Http2Decoder::skip(Direction direction, std::uint64_t count, Monotonic now) {
  if (lost_ || count == 0) return;
  http::FrameReader& reader = side(direction).reader;
  if (count > reader.unseen()) return lose(LossReason::OutOfStep);
  take(direction, reader.skip(static_cast<std::uint32_t>(count)), now);
}

void Http2Decoder::end(Direction direction, Monotonic now) {
  // Nothing answers any more.
  if (direction == Direction::Downstream) close(now);
}

void Http2Decoder::close(Monotonic now) {
  if (lost_) return;
  for (OpenStream& stream : streams_.takeAll()) finish(std::move(stream), Outcome::Incomplete, now);
}

void Http2Decoder::lose(LossReason reason) {
  if (lost_) return;
  lost_ = true;
  streams_.takeAll();
  events_.onLost(reason);
}

namespace {

/// A server may send its SETTINGS before it has seen the client's preface (RFC 9113, 3.4): a frame of type 4 without
/// flags on stream 0, of whole settings of six bytes, at most a hundred.
Match matchServerSettings(std::span<const std::uint8_t> bytes) {
  static constexpr std::array<std::uint8_t, 6> kRest = {4, 0, 0, 0, 0, 0};  // type, flags, stream
  const std::size_t seen = std::min(bytes.size(), http::kFrameHeaderSize);
  if (seen >= 1 && bytes[0] != 0) return Match::No;
  for (std::size_t i = 3; i < seen; ++i) {
    if (bytes[i] != kRest[i - 3]) return Match::No;
  }
  if (seen >= 3) {
    const unsigned length = bytes[1] * 256u + bytes[2];
    if (length % 6 != 0 || length > 600) return Match::No;
  }
  return seen == http::kFrameHeaderSize ? Match::Yes : Match::NeedMore;
}

}  // namespace

Match matchHttp2(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext&) {
  if (first == Direction::Downstream) return matchServerSettings(bytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), http::kHttp2Preface.size()));
  if (text != http::kHttp2Preface.substr(0, text.size())) return Match::No;
  return text.size() == http::kHttp2Preface.size() ? Match::Yes : Match::NeedMore;
}

std::unique_ptr<Decoder> makeHttp2Decoder(DecoderEvents& events, const DecoderContext& context) {
  return std::make_unique<Http2Decoder>(events, context);
}

}  // namespace loam::decode
