#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "proxy/http/h2_frame_reader.h"

namespace loam::http {
namespace {

using Kind = FrameReader::Kind;

std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, const std::string& payload) {
  const auto head = serialise({static_cast<std::uint32_t>(payload.size()), stream, type, flags});
  return std::string(head.begin(), head.end()) + payload;
}

/// Everything that a reader tells, as text; content of one DATA frame joined, so that cuts do not show.
std::vector<std::string> read(const std::string& text, FrameReader::Limits limits, unsigned seed) {
  FrameReader reader(limits);
  std::mt19937 random(seed);
  std::vector<std::string> told;
  std::string content;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size =
        seed == 0 ? text.size() : std::min<std::size_t>(1 + random() % (1u << (seed % 8)), text.size() - at);
    const std::vector<std::uint8_t> piece(text.begin() + at, text.begin() + at + size);
    std::span<const std::uint8_t> rest(piece);
    while (!rest.empty()) {
      const FrameReader::Step step = reader.next(rest);
      rest = rest.subspan(step.consumed);
      const std::string payload(step.payload.begin(), step.payload.end());
      const std::string place =
          std::to_string(static_cast<int>(step.frame.type)) + "@" + std::to_string(step.frame.stream);
      if (step.kind == Kind::Data) content += payload;
      if (step.kind == Kind::Data && step.ended) told.push_back("data " + place + " " + std::exchange(content, ""));
      if (step.kind == Kind::Block)
        told.push_back("block " + place + " " + std::to_string(step.promised) + " " + payload);
      if (step.kind == Kind::Control) told.push_back("control " + place + " " + payload);
      if (step.kind == Kind::Fault) {
        told.push_back("fault " + std::to_string(static_cast<int>(step.fault)));
        return told;
      }
    }
    at += size;
  }
  return told;
}

std::vector<std::string> readAnyway(const std::string& text, FrameReader::Limits limits = {}) {
  const std::vector<std::string> whole = read(text, limits, 0);
  for (unsigned seed = 1; seed < 40; ++seed) EXPECT_EQ(read(text, limits, seed), whole) << seed;
  return whole;
}

const std::string kSettings = frame(FrameType::Settings, 0, 0, "");
std::string faultOf(FrameFault fault) { return "fault " + std::to_string(static_cast<int>(fault)); }

TEST(H2FrameTest, HeaderGoesThereAndBack) {
  const FrameHeader header{0x123456, 0x7fffffff, FrameType::GoAway, 0xa5};
  EXPECT_EQ(parseFrameHeader(serialise(header)), header);
}

TEST(H2FrameTest, ReadsEveryKindUnderAnyCut) {
  const std::string text =
      kSettings + frame(FrameType::Headers, kFlagEndHeaders, 1, "block") +
      frame(FrameType::Headers, kFlagPadded | kFlagPriority, 3, std::string("\x02") + "pppppone,PP") +
      frame(FrameType::Continuation, 0, 3, "two,") + frame(FrameType::Continuation, kFlagEndHeaders, 3, "three") +
      frame(static_cast<FrameType>(0x77), 0, 9, "passed over") + frame(FrameType::Data, 0, 1, "content") +
      frame(FrameType::Data, kFlagPadded, 1, std::string("\x03more", 5) + "PPP") +
      frame(FrameType::Data, kFlagPadded, 1, std::string("\0", 1)) +
      frame(FrameType::Data, kFlagPadded, 1, std::string("\2PP", 3)) + frame(FrameType::Data, 1, 1, "") +
      frame(FrameType::PushPromise, kFlagEndHeaders, 1, std::string("\0\0\0\2push", 8)) +
      frame(FrameType::Ping, 0, 0, "12345678") + frame(FrameType::GoAway, 0, 0, "12345678debug");
  EXPECT_EQ(readAnyway(text),
            (std::vector<std::string>{"control 4@0 ", "block 1@1 0 block", "block 1@3 0 one,two,three",
                                      "data 0@1 content", "data 0@1 more", "data 0@1 ", "data 0@1 ", "data 0@1 ",
                                      "block 5@1 2 push", "control 6@0 12345678", "control 7@0 12345678debug"}));
}

TEST(H2FrameTest, RefusesWhatBreaksTheRules) {
  const auto last = [](const std::string& text, FrameReader::Limits limits = {}) {
    return readAnyway(kSettings + text, limits).back();
  };
  EXPECT_EQ(readAnyway(frame(FrameType::Ping, 0, 0, "12345678")).back(), faultOf(FrameFault::Preface));
  EXPECT_EQ(last(frame(FrameType::Ping, 0, 0, "1")), faultOf(FrameFault::Size));
  EXPECT_EQ(last(frame(FrameType::Settings, 0, 0, "12345")), faultOf(FrameFault::Size));
  EXPECT_EQ(last(frame(FrameType::Settings, kFlagAck, 0, "123456")), faultOf(FrameFault::Size));
  EXPECT_EQ(last(frame(FrameType::Ping, 0, 1, "12345678")), faultOf(FrameFault::Stream));
  EXPECT_EQ(last(frame(FrameType::Data, 0, 0, "x")), faultOf(FrameFault::Stream));
  EXPECT_EQ(last(frame(FrameType::Data, kFlagPadded, 1, "\x05")), faultOf(FrameFault::Padding));
  EXPECT_EQ(last(frame(FrameType::Data, kFlagPadded, 1, "")), faultOf(FrameFault::Padding));
  EXPECT_EQ(last(frame(FrameType::Headers, kFlagPadded | kFlagEndHeaders, 1, "\x05zz")), faultOf(FrameFault::Padding));
  EXPECT_EQ(last(frame(FrameType::Headers, kFlagPriority | kFlagEndHeaders, 1, "123")), faultOf(FrameFault::Size));
  EXPECT_EQ(last(frame(FrameType::Continuation, 0, 1, "x")), faultOf(FrameFault::Sequence));
  EXPECT_EQ(last(frame(FrameType::Headers, 0, 1, "x") + frame(FrameType::Data, 0, 1, "")),
            faultOf(FrameFault::Sequence));
  EXPECT_EQ(last(frame(FrameType::Headers, 0, 1, "x") + frame(FrameType::Continuation, 0, 3, "")),
            faultOf(FrameFault::Sequence));
  EXPECT_EQ(last(frame(FrameType::Data, 0, 1, std::string(20000, 'x'))), faultOf(FrameFault::Size));
}

TEST(H2FrameTest, B8_HeaderBlocksAreBounded) {
  std::string flood = kSettings + frame(FrameType::Headers, 0, 1, "");
  for (int i = 0; i < 9; ++i) flood += frame(FrameType::Continuation, 0, 1, "");
  EXPECT_EQ(readAnyway(flood).back(), faultOf(FrameFault::Flood));
  FrameReader::Limits small;
  small.block = 10;
  EXPECT_EQ(
      readAnyway(kSettings + frame(FrameType::Headers, 0, 1, "123456") + frame(FrameType::Continuation, 4, 1, "12345"),
                 small)
          .back(),
      faultOf(FrameFault::Flood));
}

TEST(H2FrameTest, SkipsContentAndPadding) {
  const std::string text = kSettings + frame(FrameType::Data, kFlagPadded | kFlagEndStream, 5,
                                             std::string("\x04"
                                                         "0123456789PPPP"));
  FrameReader reader({});
  std::span<const std::uint8_t> rest(reinterpret_cast<const std::uint8_t*>(text.data()), kSettings.size() + 12);
  while (!rest.empty()) rest = rest.subspan(reader.next(rest).consumed);
  EXPECT_EQ(reader.unseen(), 12u);
  EXPECT_EQ(reader.skip(9).kind, Kind::NeedMore);
  EXPECT_EQ(reader.unseen(), 3u);
  const FrameReader::Step end = reader.skip(3);
  EXPECT_TRUE(end.kind == Kind::Data && end.ended && end.frame.stream == 5);
  EXPECT_TRUE(reader.idle());
  EXPECT_EQ(reader.skip(1).kind, Kind::Fault);
}

}  // namespace
}  // namespace loam::http
