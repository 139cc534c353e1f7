#include "tests/shadow/decode/transcript.h"

#include <algorithm>

namespace loam::decode::testing {
namespace {

long long millis(nanoseconds time) { return std::chrono::duration_cast<milliseconds>(time).count(); }

std::span<const std::uint8_t> asBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

void Seen::onProtocol(Protocol protocol) { log.push_back("protocol " + std::string(name(protocol))); }

void Seen::onExchange(const Exchange& exchange) {
  std::string line;
  switch (exchange.outcome) {
    case Outcome::Ok:
      ++ok;
      line = "ok";
      break;
    case Outcome::Error:
      ++errors;
      statuses.push_back(exchange.status);
      line = "error";
      break;
    case Outcome::Incomplete:
      ++incomplete;
      line = "incomplete";
      break;
  }
  EXPECT_GE(exchange.firstByte.count(), 0);
  EXPECT_GE(exchange.total, exchange.firstByte);
  log.push_back(line + " " + std::to_string(exchange.status) + " " + std::to_string(millis(exchange.firstByte)) +
                "ms " + std::to_string(millis(exchange.total)) + "ms");
}

void Seen::onTls(std::uint16_t version, std::string_view serverName, std::string_view) {
  log.push_back("tls " + std::to_string(version) + " " + std::string(serverName));
}

void Seen::onLost(LossReason reason) {
  ++lost;
  log.push_back("lost " + std::string(name(reason)));
}

void play(DecoderEvents& events, Make make, const Transcript& transcript, PlayOptions options) {
  const std::unique_ptr<Decoder> decoder = make(events, DecoderContext{});
  Monotonic now{seconds(1)};
  std::uint64_t unseen[2] = {0, 0};
  std::size_t offset = 0;
  for (const Piece& piece : transcript) {
    std::string_view rest = piece.bytes;
    std::uint64_t& skippable = unseen[piece.direction == Direction::Upstream ? 0 : 1];
    while (!rest.empty()) {
      std::size_t size = std::min(rest.size(), options.step);
      if (offset < options.cutAt) size = std::min(size, options.cutAt - offset);
      if (options.skips && skippable > 0) {
        size = static_cast<std::size_t>(std::min<std::uint64_t>(size, skippable));
        if (skippable != Decoder::kOpaque) skippable -= size;
        decoder->skip(piece.direction, size, now);
      } else {
        skippable = decoder->feed(piece.direction, asBytes(rest.substr(0, size)), now);
      }
      rest.remove_prefix(size);
      offset += size;
    }
    now += milliseconds(1);
  }
  decoder->close(now);
}

Seen played(Make make, const Transcript& transcript, PlayOptions options) {
  Seen seen;
  play(seen, make, transcript, options);
  return seen;
}

Seen playedAnyhow(Make make, const Transcript& transcript) {
  Seen whole = played(make, transcript);
  std::size_t size = 0;
  for (const Piece& piece : transcript) size += piece.bytes.size();
  for (const bool skips : {true, false}) {
    for (const std::size_t step : {1, 2, 3, 5, 7, 11, 64}) {
      EXPECT_EQ(played(make, transcript, {step, skips, 0}).log, whole.log) << "step " << step << " skips " << skips;
    }
    const std::size_t stride = 1 + size / (size > 4000 ? 100 : 2000);
    for (std::size_t cut = 1; cut < size; cut += stride) {
      const Seen seen = played(make, transcript, {~std::size_t{0}, skips, cut});
      EXPECT_EQ(seen.log, whole.log) << "cut at " << cut << " skips " << skips;
      if (seen.log != whole.log) break;
    }
  }
  return whole;
}

std::string matchEveryPrefix(Match (*match)(Direction, std::span<const std::uint8_t>, const DecoderContext&),
                             Direction first, std::string_view bytes) {
  std::string said;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const Match answer = match(first, asBytes(bytes.substr(0, size)), DecoderContext{});
    said += answer == Match::Yes ? 'Y' : answer == Match::No ? 'X' : 'N';
  }
  return said;
}

}  // namespace loam::decode::testing
