#include "proxy/http/http1_head.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace loam::http {
namespace {

struct Case {
  std::string head;
  HeadFault strict;
  HeadFault tolerant;
};

std::string lines(const std::string& fields, const std::string& start = "POST /a HTTP/1.1") {
  return start + "\r\nHost: a\r\n" + fields + "\r\n";
}

HeadFault parse(const std::string& text, Strictness strictness, bool request = true) {
  std::vector<HeaderField> array(kMostFields);
  // Exactly as long as the head, so that a sanitizer sees a look past its end.
  const std::vector<char> exact(text.begin(), text.end());
  const std::string_view head(exact.data(), exact.size());
  RequestHead asRequest;
  ResponseHead asResponse;
  return request ? parseRequestHead(head, strictness, array, asRequest)
                 : parseResponseHead(head, strictness, array, asResponse);
}

void expect(const std::vector<Case>& cases, bool request = true) {
  for (const Case& each : cases) {
    EXPECT_EQ(name(parse(each.head, Strictness::Strict, request)), name(each.strict)) << each.head;
    EXPECT_EQ(name(parse(each.head, Strictness::Tolerant, request)), name(each.tolerant)) << each.head;
  }
}

constexpr HeadFault kOk = HeadFault::None;

TEST(Http1HeadTest, SplitsARequest) {
  const std::string text =
      "GET /a?b=c HTTP/1.1\r\nHost:  example.org \r\nEmpty:\r\nX: a\tb\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "
      "websocket\r\nExpect: 100-Continue\r\n\r\n";
  for (const Strictness strictness : {Strictness::Strict, Strictness::Tolerant}) {
    std::vector<HeaderField> array(16);
    RequestHead head;
    ASSERT_EQ(parseRequestHead(text, strictness, array, head), HeadFault::None);
    EXPECT_EQ(head.method, "GET");
    EXPECT_EQ(head.target, "/a?b=c");
    EXPECT_EQ(head.minorVersion, 1);
    ASSERT_EQ(head.fields.size(), 6u);
    EXPECT_EQ(head.fields[1].name, "Empty");
    EXPECT_EQ(head.fields[1].value, "");
    EXPECT_EQ(find(head.fields, "x"), "a\tb");
    EXPECT_EQ(head.facts.host, "example.org");
    EXPECT_EQ(head.facts.upgradeTo, "websocket");
    EXPECT_TRUE(head.facts.upgrade);
    EXPECT_TRUE(head.facts.keepAlive);
    EXPECT_EQ(head.facts.expectation, Expectation::Continue);
    EXPECT_FALSE(head.facts.contentLength);
  }
}

TEST(Http1HeadTest, SplitsAResponse) {
  std::vector<HeaderField> array(16);
  ResponseHead head;
  ASSERT_EQ(parseResponseHead("HTTP/1.0 404 Not Found\r\nContent-Length: 007\r\n\r\n", Strictness::Strict, array, head),
            kOk);
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not Found");
  EXPECT_EQ(head.minorVersion, 0);
  EXPECT_EQ(head.facts.contentLength, 7u);
  EXPECT_FALSE(head.facts.keepAlive);
}

TEST(Http1HeadTest, KnowsWhenTheConnectionStays) {
  const auto keeps = [](const std::string& head) {
    std::vector<HeaderField> array(16);
    RequestHead parsed;
    EXPECT_EQ(parseRequestHead(head, Strictness::Tolerant, array, parsed), kOk);
    return parsed.facts.keepAlive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nConnection: foo, Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"));
}

TEST(Http1HeadTest, A1_LengthBesideCodingIsRefused) {
  const HeadFault both = HeadFault::BothLengths;
  expect({{lines("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), both, both},
          {lines("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), both, both},
          {lines("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), both, both}});
}

TEST(Http1HeadTest, A2_SeveralLengthsAreRefused) {
  const HeadFault length = HeadFault::ContentLength;
  expect({{lines("Content-Length: 5\r\nContent-Length: 6\r\n"), length, length},
          {lines("Content-Length: 5, 6\r\n"), length, length},
          {lines("Content-Length: 5, 5\r\n"), length, kOk},
          {lines("Content-Length: 5\r\ncontent-length: 5\r\n"), length, kOk}});
}

TEST(Http1HeadTest, A3_LengthIsDigitsOnly) {
  for (const char* value :
       {"+5", "-1", "0x10", "5Z", "5_0", "", "9223372036854775808", "5 0", "18446744073709551617", "1.0"}) {
    const std::string head = lines("Content-Length: " + std::string(value) + "\r\n");
    expect({{head, HeadFault::ContentLength, HeadFault::ContentLength}});
  }
  expect({{lines("Content-Length: 0005\r\n"), kOk, kOk}, {lines("Content-Length: 9223372036854775807\r\n"), kOk, kOk}});
}

TEST(Http1HeadTest, A4_CodingIsChunkedOnceOrRefused) {
  const HeadFault coding = HeadFault::TransferEncoding;
  expect({{lines("Transfer-Encoding: Chunked\r\n"), kOk, kOk},
          {lines("Transfer-Encoding: ,chunked\r\n"), coding, kOk},
          {lines("Transfer-Encoding: xchunked\r\n"), coding, coding},
          {lines("Transfer-Encoding: chunked, gzip\r\n"), coding, coding},
          {lines("Transfer-Encoding: gzip, chunked\r\n"), coding, kOk},
          {lines("Transfer-Encoding: identity\r\n"), coding, kOk},
          {lines("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), coding, coding},
          {lines("Transfer-Encoding: \"chunked\"\r\n"), coding, coding},
          {lines("Transfer-Encoding: chunked;q=1\r\n"), coding, coding},
          {lines("Transfer-Encoding: \xa0"
                 "chunked\r\n"),
           coding, coding},
          {lines("Transfer-Encoding: \x0b"
                 "chunked\r\n"),
           HeadFault::FieldValue, coding},
          {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", coding, coding}});
}

TEST(Http1HeadTest, A5_FieldNamesAreTokens) {
  const HeadFault fieldName = HeadFault::FieldName;
  expect({{lines("A : b\r\n"), fieldName, kOk},
          {lines("A\t: b\r\n"), fieldName, kOk},
          {lines("nocolon\r\n"), fieldName, kOk},
          {lines(": b\r\n"), fieldName, fieldName},
          {lines("a(b: c\r\n"), fieldName, kOk},
          {lines("a\xc3\xa4: c\r\n"), fieldName, kOk},
          {lines("A: b\r\n folded\r\n"), HeadFault::ObsFold, kOk},
          {lines("A: b\r\n\tfolded\r\n"), HeadFault::ObsFold, kOk},
          {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", HeadFault::ObsFold, HeadFault::ObsFold}});
}

TEST(Http1HeadTest, A6_ValuesHoldNoControlBytes) {
  for (int byte = 0; byte < 256; ++byte) {
    if (byte == '\r' || byte == '\n') continue;
    const char c = static_cast<char>(byte);
    for (const std::size_t before : {0, 3, 15, 16, 40}) {
      const bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
      const std::string value = std::string(before, 'v') + c + std::string(20, 'w');
      expect({{lines("A: " + value + "\r\n"), control ? HeadFault::FieldValue : kOk, kOk}});
    }
  }
}

TEST(Http1HeadTest, A7_BareLineEndsAreRefused) {
  expect({{"GET / HTTP/1.1\nHost: a\n\n", HeadFault::BareLf, kOk},
          {"GET / HTTP/1.1\r\nHost: a\n\r\n", HeadFault::BareLf, kOk},
          {"GET / HTTP/1.1\r\nHost: a\r\n\n", HeadFault::BareLf, kOk},
          {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", HeadFault::BareCr, kOk},
          {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", HeadFault::BareCr, kOk},
          {"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", HeadFault::BareCr, kOk}});
}

TEST(Http1HeadTest, A14_StartLinesAreExact) {
  const auto start = [](const std::string& line) { return lines("", line); };
  const HeadFault startLine = HeadFault::StartLine;
  expect({{start("GET  / HTTP/1.1"), HeadFault::Target, kOk},
          {start("GET\t/ HTTP/1.1"), startLine, kOk},
          {start("GET / HTTP/1.1 "), HeadFault::Target, kOk},
          {start(" GET / HTTP/1.1"), HeadFault::Method, kOk},
          {start("GET /#f HTTP/1.1"), HeadFault::Target, kOk},
          {start("GET /\xc3\xa4 HTTP/1.1"), HeadFault::Target, kOk},
          {start("GET /a b HTTP/1.1"), HeadFault::Target, kOk},
          {start("GET /"), startLine, startLine},
          {start("GET"), startLine, startLine},
          {start("GET / HTTP/2.0"), HeadFault::Version, HeadFault::Version},
          {start("GET / HTTP/1.2"), HeadFault::Version, kOk},
          {start("GET / http/1.1"), startLine, startLine},
          {start("GET / HTTP/1.10"), startLine, startLine},
          {start("G(T / HTTP/1.1"), HeadFault::Method, kOk},
          {start("get / HTTP/1.1"), kOk, kOk},
          {start("OPTIONS * HTTP/1.1"), kOk, kOk}});
}

TEST(Http1HeadTest, A15_SizesAreLimited) {
  expect({{lines("", "GET /" + std::string(9000, 'a') + " HTTP/1.1"), HeadFault::LineTooLong, kOk}});
  std::string many;
  for (int i = 0; i < 300; ++i) many += "A: b\r\n";
  expect({{lines(many), HeadFault::TooManyFields, kOk}});
  // What does not fit is not kept, but still counts.
  std::vector<HeaderField> array(kMostFields);
  RequestHead head;
  ASSERT_EQ(parseRequestHead(lines(many + "Content-Length: 9\r\n"), Strictness::Tolerant, array, head), kOk);
  EXPECT_EQ(head.fields.size(), kMostFields);
  EXPECT_EQ(head.facts.contentLength, 9u);
}

TEST(Http1HeadTest, StrictNeedsOneHost) {
  expect({{"GET / HTTP/1.1\r\n\r\n", HeadFault::Host, kOk},
          {"GET / HTTP/1.0\r\n\r\n", kOk, kOk},
          {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", HeadFault::Host, kOk}});
}

TEST(Http1HeadTest, ReadsStatusLines) {
  const HeadFault startLine = HeadFault::StartLine;
  expect({{"HTTP/1.1 200\r\n\r\n", kOk, kOk},
          {"HTTP/1.1 200 \r\n\r\n", kOk, kOk},
          {"HTTP/1.1  200 OK\r\n\r\n", startLine, kOk},
          {"HTTP/1.1 20 OK\r\n\r\n", startLine, startLine},
          {"HTTP/1.1 099 OK\r\n\r\n", startLine, startLine},
          {"HTTP/1.1 2000 OK\r\n\r\n", startLine, startLine},
          {"HTTP/1.1 200OK\r\n\r\n", startLine, startLine},
          {"ICY 200 OK\r\n\r\n", startLine, startLine},
          {"HTTP/2 200\r\n\r\n", startLine, startLine}},
         false);
}

TEST(Http1HeadTest, NamesAStatusForEachRefusal) {
  EXPECT_EQ(statusFor(HeadFault::Version), 505);
  EXPECT_EQ(statusFor(HeadFault::LineTooLong), 414);
  EXPECT_EQ(statusFor(HeadFault::TooManyFields), 431);
  EXPECT_EQ(statusFor(HeadFault::BothLengths), 400);
}

TEST(Http1HeadTest, CutHeadsAreIncomplete) {
  const std::string head = lines("Content-Length: 3\r\nX: y\r\n");
  for (std::size_t size = 20; size < head.size(); ++size) {
    for (const Strictness strictness : {Strictness::Strict, Strictness::Tolerant}) {
      const HeadFault fault = parse(head.substr(0, size), strictness);
      EXPECT_EQ(name(fault), "incomplete") << size;
    }
  }
}

TEST(Http1HeadTest, ScannerFindsTheEndUnderAnyCut) {
  const std::string rest = "body\r\n\r\n";
  for (const std::string& head :
       {std::string("GET / HTTP/1.1\r\nA: b\r\n\r\n"), std::string("GET / HTTP/1.1\nA: b\n\n"),
        std::string("G\r\nA\r\r\n\rb\r\n\n"), std::string("G\n\r\n")}) {
    const std::string text = head + rest;
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
      HeadScanner scanner;
      std::size_t at = 0;
      std::size_t end = HeadScanner::kNotYet;
      while (end == HeadScanner::kNotYet && at < text.size()) {
        const std::size_t size = 1 + random() % (1 + round / 20);
        const std::size_t found = scanner.scan(std::string_view(text).substr(at, size));
        if (found != HeadScanner::kNotYet) end = at + found;
        at += size;
      }
      EXPECT_EQ(end, head.size()) << head;
    }
  }
}

}  // namespace
}  // namespace loam::http
