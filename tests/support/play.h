#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shadow/decode/decoder.h"

namespace loam::decode::test {

/// Writes every event down as one line.
class EventLog final : public DecoderEvents {
 public:
  std::vector<std::string> lines;
  bool withTimes = true;

  void onProtocol(Protocol protocol) override { add("protocol " + std::string(name(protocol))); }
  void onExchange(const Exchange& exchange) override {
    static constexpr const char* kOutcomes[] = {"ok", "error", "incomplete"};
    std::string line = std::string("exchange ") + kOutcomes[static_cast<int>(exchange.outcome)] + " " +
                       std::to_string(exchange.status) + " " + std::string(exchange.method) + " " +
                       std::string(exchange.path);
    if (withTimes) line += " " + millis(exchange.firstByte) + "/" + millis(exchange.total);
    add(line);
  }
  void onRequestHead(const filter::ExchangeView& view) override {
    std::string line =
        "head " + std::string(view.method) + " " + std::string(view.authority) + " " + std::string(view.path);
    for (const filter::HeaderField& field : view.headers) {
      line += " [" + std::string(field.name) + "=" + std::string(field.value) + "]";
    }
    add(line);
  }
  void onTls(std::uint16_t version, std::string_view serverName, std::string_view alpn) override {
    add("tls " + std::to_string(version) + " " + std::string(serverName) + " " + std::string(alpn));
  }
  void onCertificate(std::string_view summary) override { add("certificate " + std::string(summary)); }
  void onServerName(std::string_view text) override { add("name " + std::string(text)); }
  void onProxiedClient(const SocketAddress& client) override { add("client " + client.text()); }
  void onLost(LossReason reason) override { add("lost " + std::string(name(reason))); }

  /// The lines that start so.
  std::vector<std::string> of(const std::string& start) const {
    std::vector<std::string> found;
    for (const std::string& line : lines) {
      if (line.starts_with(start)) found.push_back(line);
    }
    return found;
  }

 private:
  static std::string millis(nanoseconds time) {
    return std::to_string(std::chrono::duration_cast<milliseconds>(time).count());
  }
  void add(std::string line) { lines.push_back(std::move(line)); }
};

/// One thing that passes: bytes of a direction, or (with no bytes) its end. Turn i passes at i milliseconds.
struct Turn {
  Direction direction;
  std::string bytes;
  bool end = false;
};
using Transcript = std::vector<Turn>;

inline Turn client(std::string bytes) { return {Direction::Upstream, std::move(bytes)}; }
inline Turn server(std::string bytes) { return {Direction::Downstream, std::move(bytes)}; }
inline Turn clientEnds() { return {Direction::Upstream, "", true}; }
inline Turn serverEnds() { return {Direction::Downstream, "", true}; }

using DecoderMaker = std::function<std::unique_ptr<Decoder>(DecoderEvents&)>;
/// How long the next piece may be, given what is left of the turn and how many bytes passed before (both directions).
using Cutter = std::function<std::size_t(std::size_t left, std::size_t passed)>;

/// Plays a transcript through a new decoder, cut so; with `skipping`, what it says needs no look goes by unseen.
/// Nothing is fed to a direction that turned opaque.
inline EventLog play(const DecoderMaker& make, const Transcript& transcript, const Cutter& cut, bool skipping = false) {
  EventLog log;
  const std::unique_ptr<Decoder> decoder = make(log);
  std::uint64_t free[2] = {0, 0};
  std::size_t passed = 0;
  Monotonic now{};
  bool ended[2] = {false, false};
  for (const Turn& turn : transcript) {
    // Nothing passes after a direction's end.
    if (ended[static_cast<int>(turn.direction)]) continue;
    ended[static_cast<int>(turn.direction)] = turn.end;
    std::uint64_t& unseen = free[static_cast<int>(turn.direction)];
    for (std::size_t at = 0; at < turn.bytes.size();) {
      std::size_t size =
          std::min(std::max<std::size_t>(cut(turn.bytes.size() - at, passed), 1), turn.bytes.size() - at);
      if (unseen == Decoder::kOpaque) {
        // Nothing more is owed to the decoder.
      } else if (skipping && unseen > 0) {
        size = std::min<std::uint64_t>(size, unseen);
        decoder->skip(turn.direction, size, now);
        unseen -= size;
      } else {
        // A copy of its own, so that a look past the piece is a sanitizer's catch.
        const std::vector<std::uint8_t> piece(turn.bytes.begin() + at, turn.bytes.begin() + at + size);
        unseen = decoder->feed(turn.direction, piece, now);
      }
      at += size;
      passed += size;
    }
    if (turn.end) decoder->end(turn.direction, now);
    now += milliseconds(1);
  }
  decoder->close(now);
  return log;
}

inline EventLog playWhole(const DecoderMaker& make, const Transcript& transcript) {
  return play(make, transcript, [](std::size_t left, std::size_t) { return left; });
}

}  // namespace loam::decode::test
