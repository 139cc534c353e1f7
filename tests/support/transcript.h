#pragma once

#include <gtest/gtest.h>

#include <random>

#include "tests/support/play.h"

namespace loam::decode::test {

/// Plays it byte by byte, cut once at every place, and cut at random, with and without skipping: the events must be the
/// same as those of whole turns. Returns these.
inline EventLog playEverySplit(const DecoderMaker& make, const Transcript& transcript, int randomRounds = 60) {
  EventLog whole = playWhole(make, transcript);
  std::size_t total = 0;
  for (const Turn& turn : transcript) total += turn.bytes.size();
  for (const bool skipping : {false, true}) {
    const auto one = [](std::size_t, std::size_t) { return std::size_t{1}; };
    EXPECT_EQ(play(make, transcript, one, skipping).lines, whole.lines) << "byte by byte, skipping " << skipping;
    // All places of a short transcript; of a long one as many as keep the test short.
    const std::size_t places = std::max<std::size_t>(100, 8'000'000 / (total + 1));
    const std::size_t stride = 1 + total / places;
    for (std::size_t place = 1; place < total; place += stride) {
      const auto once = [place](std::size_t left, std::size_t passed) {
        return passed < place ? std::min(left, place - passed) : left;
      };
      const EventLog cut = play(make, transcript, once, skipping);
      EXPECT_EQ(cut.lines, whole.lines) << "cut at " << place << ", skipping " << skipping;
      if (cut.lines != whole.lines) return whole;
    }
    for (int round = 0; round < randomRounds; ++round) {
      std::mt19937 random(static_cast<unsigned>(round));
      const std::size_t most = std::size_t{1} << (1 + round % 12);
      const auto any = [&](std::size_t, std::size_t) { return 1 + random() % most; };
      const EventLog cut = play(make, transcript, any, skipping);
      EXPECT_EQ(cut.lines, whole.lines) << "round " << round << ", skipping " << skipping;
      if (cut.lines != whole.lines) return whole;
    }
  }
  return whole;
}

}  // namespace loam::decode::test
