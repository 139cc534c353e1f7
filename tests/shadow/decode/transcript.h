#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shadow/decode/registry.h"

namespace loam::decode::testing {

/// Bytes that one side sent in one go.
struct Piece {
  Direction direction;
  std::string bytes;
};
using Transcript = std::vector<Piece>;

inline Piece client(std::string bytes) { return {Direction::Upstream, std::move(bytes)}; }
inline Piece server(std::string bytes) { return {Direction::Downstream, std::move(bytes)}; }

/// Everything that a decoder told, as counts and as a log of lines ("ok 0 1ms 3ms": status, first byte, total).
class Seen final : public DecoderEvents {
 public:
  void onProtocol(Protocol protocol) override;
  void onExchange(const Exchange& exchange) override;
  void onRequestHead(const filter::ExchangeView&) override { log.emplace_back("head"); }
  void onTls(std::uint16_t version, std::string_view serverName, std::string_view) override;
  void onCertificate(std::string_view) override { log.emplace_back("certificate"); }
  void onServerName(std::string_view name) override { log.push_back("server name " + std::string(name)); }
  void onProxiedClient(const SocketAddress&) override { log.emplace_back("proxied"); }
  void onLost(LossReason reason) override;

  int ok = 0;
  int errors = 0;
  int incomplete = 0;
  int lost = 0;
  std::vector<std::uint16_t> statuses;  ///< of the errors
  std::vector<std::string> log;
};

using Make = std::unique_ptr<Decoder> (*)(DecoderEvents&, const DecoderContext&);

struct PlayOptions {
  std::size_t step = ~std::size_t{0};  ///< most bytes fed at once
  bool skips = true;                   ///< leave out what the decoder says needs no look
  std::size_t cutAt = 0;               ///< one more cut, at this offset of the whole transcript; 0 is none
};

/// Feeds a transcript, each piece a millisecond after the one before, then closes.
void play(DecoderEvents& events, Make make, const Transcript& transcript, PlayOptions options = {});
Seen played(Make make, const Transcript& transcript, PlayOptions options = {});

/// The same transcript, cut everywhere, must tell the same; returns what it told.
Seen playedAnyhow(Make make, const Transcript& transcript);

/// What `match` says to every prefix of `bytes`: "NNN...Y" as letters N(eed more), Y(es), X (no).
std::string matchEveryPrefix(Match (*match)(Direction, std::span<const std::uint8_t>, const DecoderContext&),
                             Direction first, std::string_view bytes);

}  // namespace loam::decode::testing
