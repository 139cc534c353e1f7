#pragma once

#include <memory>
#include <span>

#include "shadow/decode/decoder.h"

namespace loam::decode {

/// What is known of the connection when its decoder is made.
struct DecoderContext {
  SocketAddress client;
  SocketAddress destination;
  /// Whether onRequestHead() is called, looked at for each head: what it shows is a tenth of what an HTTP/1 request
  /// costs to watch. It outlives the decoder.
  const bool* showsHeads = &kAlways;

  static constexpr bool kAlways = true;
};

enum class Match : std::uint8_t { No, NeedMore, Yes };

/// One protocol that Loam can recognise: `match` looks at the first bytes of whoever spoke first (`first` says who) and
/// is asked again with more while it says NeedMore; `make` gives its decoder, to be fed from the connection's first
/// byte on. A protocol that is known by name only has no `make`. An answer other than NeedMore must stay the same with
/// more bytes; at most 1 KiB is ever shown. The detector reports the protocol (onProtocol); a decoder reports only what
/// it changes to.
struct Recogniser {
  Protocol protocol;
  Match (*match)(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);
  std::unique_ptr<Decoder> (*make)(DecoderEvents& events, const DecoderContext& context);
};

/// All of them, most specific first: one line each. Adding a decoder is its file and a line in registry.cpp.
std::span<const Recogniser> recognisers();

/// The decoder that a connection starts with: holds the first bytes (at most 1 KiB) until a recogniser says Yes, then
/// hands them to that protocol's decoder; when all say No it reports Tcp. It has no timer: whoever speaks first
/// decides.
std::unique_ptr<Decoder> makeDetector(DecoderEvents& events, const DecoderContext& context);

}  // namespace loam::decode
