#include "proxy/filters/fault.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(FaultSettingsTest, AFaultWithoutEffectIsKeptButNotUsed) {
  const auto settings = good<FaultSettings>("{}", Purpose::Keep);
  EXPECT_TRUE(settings.actsOnExchanges());
  EXPECT_EQ(settings.mostAtOnce, 100u);
  expectProblems<FaultSettings>({
      {"{}", {{"", "a fault without effect"}}},
      {R"({"match": {"sources": ["web"]}, "most_at_once": 5})", {{"", "a fault without effect"}}},
  });
}

TEST(FaultSettingsTest, ReadEveryEffect) {
  EXPECT_EQ(good<FaultSettings>(R"({"delay": "200ms", "jitter": "50ms"})").delay, milliseconds(200));
  EXPECT_EQ(good<FaultSettings>(R"({"abort": {"status": 503}})").abort->status, 503);
  EXPECT_EQ(good<FaultSettings>(R"({"abort": {"grpc_status": 14}})").abort->grpcStatus, 14u);
  EXPECT_EQ(good<FaultSettings>(R"({"bytes_per_second": "64KiB"})").bytesPerSecond, 65'536u);
  const auto mock =
      good<FaultSettings>(R"({"answer": {"status": 200, "headers": {"Content-Type": "text/plain"}, "body": "hi\n"}})");
  EXPECT_EQ(mock.answer->headers.at("content-type"), "text/plain");
  EXPECT_EQ(mock.answer->body, "hi\n");
  const std::string longBody = R"({"answer": {"body": ")" + std::string(64 << 10, 'x') + "\"}}";
  EXPECT_EQ(good<FaultSettings>(longBody).answer->body.size(), 65'536u);
  expectWritesWhatItReads<FaultSettings>(R"({"at": "connection", "delay": "200ms", "abort": {"reset": true}})");
}

TEST(FaultSettingsTest, AConnectionKnowsOnlyDelayBandwidthAndReset) {
  EXPECT_FALSE(
      good<FaultSettings>(R"({"at": "connection", "delay": "1s", "match": {"sources": ["web"]}})").actsOnExchanges());
  expectProblems<FaultSettings>({
      {R"({"at": "connection", "abort": {"status": 503}})", {{"/abort", "can only be reset"}}},
      {R"({"at": "connection", "answer": {}})", {{"/answer", "a connection has no answer"}}},
      {R"({"at": "connection", "delay": "1s", "match": {"methods": ["GET"]}})",
       {{"/match", "by sources and ports alone"}}},
  });
}

TEST(FaultSettingsTest, WhatIsWrongIsNamedWithItsPlace) {
  expectProblems<FaultSettings>({
      {R"({"jitter": "1s", "delay": null, "abort": {"reset": true}})", {{"/jitter", "a jitter of no delay"}}},
      {R"({"abort": {}})", {{"/abort", "exactly one of"}}},
      {R"({"abort": {"status": 503, "reset": true}})", {{"/abort", "exactly one of"}}},
      {R"({"abort": {"status": 200}})", {{"/abort/status", "from 400 to 599"}}},
      {R"({"abort": {"grpc_status": 17}})", {{"/abort/grpc_status", "from 1 to 16"}}},
      {R"({"abort": {"reset": true}, "answer": {}})", {{"/answer", "give one of both"}}},
      {R"({"abort": {"reset": true}, "bytes_per_second": "1KiB"})", {{"/bytes_per_second", "nothing comes back"}}},
      {R"({"answer": {"status": 99, "headers": {"Content-Length": "5"}}})",
       {{"/answer/status", "from 200 to 599"}, {"/answer/headers/Content-Length", "frames nothing"}}},
      {R"({"answer": {"body": ")" + std::string((64 << 10) + 1, 'x') + "\"}}",
       {{"/answer/body", "at most 65536 bytes"}}},
      {R"({"delay": "11m", "bytes_per_second": "0B", "most_at_once": 0, "at": "packet"})",
       {{"/at", "one of exchange, connection"},
        {"/delay", "from 1ms to 10m"},
        {"/bytes_per_second", "from 1B to 1GiB"},
        {"/most_at_once", "from 1 to 1000000"}}},
  });
}

}  // namespace
}  // namespace loam::filters
