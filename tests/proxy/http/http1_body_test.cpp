#include "proxy/http/http1_body.h"

#include <gtest/gtest.h>

#include <string>

namespace loam::http {
namespace {

using State = BodyReader::State;
constexpr BodyPlan kChunked{BodyPlan::Kind::Chunked, 0};

struct Read {
  State state;
  std::string content;
  std::size_t consumed;
  bool operator==(const Read&) const = default;
};

Read read(const std::string& text, Strictness strictness, std::size_t piece) {
  BodyReader reader(kChunked, strictness);
  Read result{State::Open, "", 0};
  for (std::size_t at = 0; at < text.size() && reader.state() == State::Open; at += piece) {
    std::string_view rest = std::string_view(text).substr(at, piece);
    while (!rest.empty() && reader.state() == State::Open) {
      const BodyReader::Step step = reader.step(rest);
      result.content.append(step.content);
      result.consumed += step.consumed;
      rest.remove_prefix(step.consumed);
    }
  }
  result.state = reader.state();
  return result;
}

State stateOf(const std::string& text, Strictness strictness) {
  const Read whole = read(text, strictness, text.size());
  for (const std::size_t piece : {1, 2, 3, 7})
    EXPECT_EQ(read(text, strictness, piece), whole) << text << " by " << piece;
  return whole.state;
}

void expect(const std::string& text, State strict, State tolerant) {
  EXPECT_EQ(stateOf(text, Strictness::Strict), strict) << text;
  EXPECT_EQ(stateOf(text, Strictness::Tolerant), tolerant) << text;
}

TEST(Http1BodyTest, TakesContentOutOfItsChunks) {
  const std::string text = "5\r\nhello\r\n0000A;a=\"q\\\"\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{4}, text.size() + 4}) {
    const Read got = read(text + "NEXT", Strictness::Strict, piece);
    EXPECT_EQ(got, (Read{State::Done, "hello0123456789", text.size()}));
  }
}

TEST(Http1BodyTest, A8_BrokenChunksFail) {
  for (const char* text : {"\r\n", "0x5\r\n", "+5\r\n", "5_0\r\n", "g\r\n", ";a\r\n", "11112222333344445\r\n",
                           "8000000000000000\r\n", "3\r\nabcd\r\n", "3\r\nabcX\n", "5\rX", "0\r\n\rX"}) {
    expect(text, State::Failed, State::Failed);
  }
  expect(" 5\r\n", State::Failed, State::Open);
  expect("5 \r\n", State::Failed, State::Open);
  expect("5\n", State::Failed, State::Open);
  expect("1\r\nx\n", State::Failed, State::Open);
  expect("0\r\nX", State::Open, State::Open);
  expect("0\r\nX\r\n", State::Failed, State::Open);
  expect("0\r\n X: y\r\n\r\n", State::Failed, State::Done);
  expect("0\r\nA: b\n\r\n", State::Failed, State::Done);
  expect("0\r\n:\r\n\r\n", State::Failed, State::Done);
  expect("7fffffffffffffff\r\n", State::Open, State::Open);
}

TEST(Http1BodyTest, A9_ChunkExtensionsAreBounded) {
  expect("1;" + std::string(200, 'a') + "\r\nx\r\n0\r\n\r\n", State::Done, State::Done);
  expect("1;" + std::string(300, 'a') + "\r\nx\r\n0\r\n\r\n", State::Failed, State::Done);
  std::string drip;
  for (int i = 0; i < 60; ++i) drip += "1;" + std::string(200, 'a') + "\r\nx\r\n";
  expect(drip + "0\r\n\r\n", State::Failed, State::Done);
  expect("1;" + std::string(70000, 'a') + "\r\nx\r\n0\r\n\r\n", State::Failed, State::Failed);
  expect("1;a=\"\r\nx\r\n", State::Failed, State::Open);
  expect("1;a\nb\r\nx\r\n0\r\n\r\n", State::Failed, State::Failed);
  expect(std::string("1;a\0b\r\nx\r\n0\r\n\r\n", 15), State::Failed, State::Done);
  expect("0\r\n" + std::string(9000, 'a') + ": b\r\n\r\n", State::Failed, State::Done);
}

TEST(Http1BodyTest, KnowsWhatNeedsNoLook) {
  BodyReader length({BodyPlan::Kind::Length, 10}, Strictness::Strict);
  EXPECT_EQ(length.knownContent(), 10u);
  length.skip(4);
  EXPECT_EQ(length.consume("123456789"), 6u);
  EXPECT_EQ(length.state(), State::Done);
  BodyReader chunked(kChunked, Strictness::Strict);
  EXPECT_EQ(chunked.knownContent(), 0u);
  chunked.consume("ff\r\nabc");
  EXPECT_EQ(chunked.knownContent(), 252u);
  chunked.skip(252);
  EXPECT_EQ(chunked.consume("\r\n0\r\n\r\nrest"), 7u);
  EXPECT_EQ(chunked.state(), State::Done);
  BodyReader endless({BodyPlan::Kind::UntilEnd, 0}, Strictness::Strict);
  EXPECT_TRUE(endless.untilEnd());
  endless.skip(1u << 30);
  EXPECT_EQ(endless.state(), State::Open);
  BodyReader greedy({BodyPlan::Kind::Length, 3}, Strictness::Strict);
  greedy.skip(4);
  EXPECT_EQ(greedy.state(), State::Failed);
}

TEST(Http1BodyTest, PlansByStatusAndFacts) {
  ResponseHead head;
  head.status = 200;
  EXPECT_EQ(responseBody(head, false).kind, BodyPlan::Kind::UntilEnd);
  head.facts.contentLength = 5;
  EXPECT_EQ(responseBody(head, false).length, 5u);
  EXPECT_EQ(responseBody(head, true).length, 0u);
  for (const std::uint16_t status : std::initializer_list<std::uint16_t>{100, 204, 304}) {
    head.status = status;
    EXPECT_EQ(responseBody(head, false).length, 0u);
  }
  HeadFacts facts;
  EXPECT_EQ(requestBody(facts).length, 0u);
  facts.chunked = true;
  EXPECT_EQ(requestBody(facts).kind, BodyPlan::Kind::Chunked);
}

}  // namespace
}  // namespace loam::http
