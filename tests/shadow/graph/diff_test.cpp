#include "shadow/graph/diff.h"

#include <gtest/gtest.h>

#include "tests/shadow/graph/sample.h"

namespace loam::graph {
namespace {

std::string kinds(const Diff& diff) {
  std::string out;
  for (const Difference& difference : diff.differences)
    out += (out.empty() ? "" : " ") + std::string(name(difference.kind));
  return out;
}

TEST(DiffTest, SameWindowsDifferInNothing) {
  EXPECT_EQ(kinds(diff(graphOf({edgeOf("a", "b")}), graphOf({edgeOf("a", "b")}))), "");
  EXPECT_EQ(kinds(diff(graphOf({edgeOf("a", "b", 600)}), graphOf({edgeOf("a", "b", 640)}))), "");  // chance
}

TEST(DiffTest, TellsNewAndGone) {
  EXPECT_EQ(kinds(diff(graphOf({edgeOf("a", "b")}), graphOf({edgeOf("a", "b"), edgeOf("a", "c")}))), "NEW");
  EXPECT_EQ(kinds(diff(graphOf({edgeOf("a", "b"), edgeOf("a", "c")}), graphOf({edgeOf("a", "b")}))), "GONE");
}

TEST(DiffTest, AbsenceWithoutCoverageIsNotGone) {
  const Diff result = diff(graphOf({edgeOf("a", "b")}), graphOf({}, 0.94));
  EXPECT_EQ(kinds(result), "");
  EXPECT_EQ(result.unsure, 1u);
  Graph elsewhere = graphOf({});
  elsewhere.header.coverage[0].proxy = "web-2";  // covers well, but never saw this edge
  EXPECT_EQ(diff(graphOf({edgeOf("a", "b")}), elsewhere).unsure, 1u);
}

TEST(DiffTest, TellsRateErrorsAndLatency) {
  EXPECT_EQ(diff(graphOf({edgeOf("a", "b", 600)}), graphOf({edgeOf("a", "b", 1200)})).differences[0].what,
            "rate 10.0/s -> 20.0/s");
  Edge failing = edgeOf("a", "b");
  failing.counts.errors = 60;
  EXPECT_EQ(diff(graphOf({edgeOf("a", "b")}), graphOf({failing})).differences[0].what, "errors 1.0 % -> 10.0 %");
  Edge slow = edgeOf("a", "b");
  slow.counts.latency = {};
  slow.counts.latency.record(8000, 600);
  slow.p50Ms = 8;
  const Diff slower = diff(graphOf({edgeOf("a", "b")}), graphOf({slow}));
  ASSERT_EQ(kinds(slower), "CHANGED");
  EXPECT_NE(slower.differences[0].what.find("p50 2."), std::string::npos) << slower.differences[0].what;
}

TEST(DiffTest, AFewExchangesSayNothing) {
  Edge failing = edgeOf("a", "b", 10);
  failing.counts.errors = 10;
  EXPECT_EQ(kinds(diff(graphOf({edgeOf("a", "b", 10)}), graphOf({failing}))), "");
}

TEST(DiffTest, TellsAnotherProtocolAndLostEncryption) {
  EXPECT_EQ(kinds(diff(graphOf({edgeOf("a", "b")}), graphOf({edgeOf("a", "b", 600, "http2")}))), "PROTOCOL_CHANGED");
  Edge encrypted = edgeOf("a", "b");
  encrypted.tls = "TLSv1.3";
  EXPECT_EQ(kinds(diff(graphOf({encrypted}), graphOf({edgeOf("a", "b")}))), "PLAINTEXT_RETURNED");
  EXPECT_EQ(kinds(diff(graphOf({edgeOf("a", "b")}), graphOf({encrypted}))), "");
}

}  // namespace
}  // namespace loam::graph
