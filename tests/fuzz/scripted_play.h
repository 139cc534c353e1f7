#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/support/play.h"

namespace loam::decode::test {

/// Reads a transcript out of fuzzed bytes: one byte that seeds the cuts, then turns of {kind, length in two bytes,
/// bytes}, kind 0 and 1 the client's and the server's bytes, 2 and 3 their ends. Plays it whole and cut at random, with
/// and without skipping, and stops the process when the events differ.
inline void playScript(const DecoderMaker& make, const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return;
  const unsigned seed = bytes[0];
  Transcript transcript;
  for (std::size_t at = 1; at + 3 <= size;) {
    const unsigned kind = bytes[at] % 4;
    const std::size_t length =
        std::min<std::size_t>(static_cast<std::size_t>(bytes[at + 1]) << 8 | bytes[at + 2], size - at - 3);
    at += 3;
    const Direction direction = kind % 2 == 0 ? Direction::Upstream : Direction::Downstream;
    if (kind < 2) {
      transcript.push_back({direction, std::string(bytes + at, bytes + at + length)});
      at += length;
    } else {
      transcript.push_back({direction, "", true});
    }
  }
  const EventLog whole = playWhole(make, transcript);
  for (const bool skipping : {false, true}) {
    std::mt19937 random(seed);
    const std::size_t most = std::size_t{1} << (seed % 11);
    const EventLog cut = play(
        make, transcript, [&](std::size_t, std::size_t) { return 1 + random() % most; }, skipping);
    if (cut.lines == whole.lines) continue;
    for (const std::string& line : whole.lines) std::fprintf(stderr, "whole: %s\n", line.c_str());
    for (const std::string& line : cut.lines) std::fprintf(stderr, "cut:   %s\n", line.c_str());
    std::abort();
  }
}

}  // namespace loam::decode::test
