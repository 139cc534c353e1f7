#include "rollout/audit/event.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/rollout/audit/sample_events.h"

namespace loam::audit {
namespace {

Event first() { return logOf(1).front(); }

TEST(EventTest, HashesCanonicalJsonOfAllButTheHash) {
  // From `printf '%s' '{"act":...}' | sha256sum`: any program can check a log.
  Event event;
  event.sequence = 1;
  event.at = 1700000000000;
  event.act = {"ada", "socket", "", "kill", "caf\xc3\xa9 \"down\"\n", "", ""};
  event.kind = "flag";
  event.key = "a/b";
  event.toRevision = 7;
  event.patch = *parseJson(R"([{"op":"add","path":"","value":{"share":0.1}}])");
  event.previous = std::string(kNoHash);
  Json::Value whole = toJson(event);
  whole.removeMember("hash");
  EXPECT_EQ(writeJson(whole),
            R"({"act":{"correlation":"","from":"","reason":"caf)"
            "\xc3\xa9"
            R"( \"down\"\n","ticket":"","verb":"kill","via":"socket","who":"ada"},"at":1700000000000,)"
            R"("from_revision":0,"key":"a/b","kind":"flag","patch":[{"op":"add","path":"","value":{"share":0.1}}],)"
            R"("previous":"0000000000000000000000000000000000000000000000000000000000000000","sequence":1,)"
            R"("to_revision":7})");
  EXPECT_EQ(hashOf(event), "65239d6db2e29461e4bb6dd6e4037f368b7d83a0248575a54c00a53207c6cf34");
}

TEST(EventTest, EveryMemberCountsInTheHash) {
  const Event event = first();
  const auto changed = [&event](auto change) {
    Event other = event;
    change(other);
    return hashOf(other) != event.hash;
  };
  EXPECT_TRUE(changed([](Event& e) { ++e.sequence; }));
  EXPECT_TRUE(changed([](Event& e) { ++e.at; }));
  EXPECT_TRUE(changed([](Event& e) { e.kind += "x"; }));
  EXPECT_TRUE(changed([](Event& e) { e.key += "x"; }));
  EXPECT_TRUE(changed([](Event& e) { ++e.fromRevision; }));
  EXPECT_TRUE(changed([](Event& e) { ++e.toRevision; }));
  EXPECT_TRUE(changed([](Event& e) { e.patch = Json::Value(); }));
  EXPECT_TRUE(changed([](Event& e) { e.previous[63] = '1'; }));
  for (auto member : {&Act::who, &Act::via, &Act::from, &Act::verb, &Act::reason, &Act::ticket, &Act::correlation})
    EXPECT_TRUE(changed([member](Event& e) { (e.act.*member) += "x"; }));
  EXPECT_FALSE(changed([](Event& e) { e.hash = "anything"; }));
}

TEST(EventTest, ReadsBackFromJson) {
  const Event event = first();
  const auto read = eventFromJson(*parseJson(toJsonLine(event)));
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(*read, event);
  EXPECT_FALSE(eventFromJson(*parseJson("[]")));
  EXPECT_FALSE(eventFromJson(*parseJson(R"({"sequence":1,"at":2,"act":3})")));
}

TEST(EventTest, E11_JsonLinesShowWhatWouldActAndReadBackTheSame) {
  Event event = first();
  event.act.reason =
      "a\nb\r\x1b[2J\x7f \xc2\x9b"
      "31m \xe2\x80\xae \xe2\x80\xa8 caf\xc3\xa9 \xf0\x9f\x8d\x82";
  event.hash = hashOf(event);
  const std::string line = toJsonLine(event);
  EXPECT_TRUE(std::none_of(line.begin(), line.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }));
  EXPECT_NE(line.find(R"(a\nb\r\u001b[2J\u007f \u009b31m \u202e \u2028 caf)"
                      "\xc3\xa9 \xf0\x9f\x8d\x82"),
            std::string::npos)
      << line;
  const auto read = eventFromJson(*parseJson(line));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, event);
  EXPECT_EQ(hashOf(*read), event.hash);
}

TEST(EventTest, E11_BytesThatAreNoTextAreReplaced) {
  Event event = first();
  event.act.who = "\x9b\xff";
  EXPECT_NE(toJsonLine(event).find(R"("who":"\ufffd\ufffd")"), std::string::npos);
}

/// Splits a line of CSV whose text cells are quoted.
std::vector<std::string> cellsOf(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      cells.back().push_back(line[++i]);
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back().push_back(line[i]);
    }
  }
  return cells;
}

std::string cellOf(const Event& event, const std::string& column) {
  const auto names = cellsOf(csvHeader());
  const auto cells = cellsOf(toCsvLine(event));
  EXPECT_EQ(names.size(), cells.size());
  return cells[static_cast<std::size_t>(std::find(names.begin(), names.end(), column) - names.begin())];
}

TEST(EventTest, CsvHasOneCellForEachColumn) {
  const Event event = first();
  EXPECT_EQ(cellOf(event, "sequence"), "1");
  EXPECT_EQ(cellOf(event, "at"), "2023-11-14T22:13:21.000Z");
  EXPECT_EQ(cellOf(event, "who"), "ada");
  EXPECT_EQ(cellOf(event, "from"), "10.0.0.9");
  EXPECT_EQ(cellOf(event, "reason"), "the canary looks good");
  EXPECT_EQ(cellOf(event, "key"), "checkout/observe");
  EXPECT_EQ(cellOf(event, "to_revision"), "1");
  EXPECT_EQ(cellOf(event, "patch"), R"([{"op":"add","path":"/share","value":1}])");
  EXPECT_EQ(cellOf(event, "hash"), event.hash);
}

TEST(EventTest, E11_NoCellOfCsvIsAFormula) {
  const char* const formulas[] = {"=HYPERLINK(\"http://x\",\"y\")",
                                  "+1",
                                  "-1+1",
                                  "@SUM(A1)",
                                  "  =1+1",
                                  "\xef\xbc\x9d"
                                  "1",
                                  "\xef\xbc\xa0x"};
  for (const char* formula : formulas) {
    Event event = first();
    event.act.reason = formula;
    event.key = formula;
    EXPECT_EQ(cellOf(event, "reason"), "'" + std::string(formula));
    EXPECT_EQ(cellOf(event, "key"), "'" + std::string(formula));
  }
  Event event = first();
  event.act.reason = "\t=1";
  EXPECT_EQ(cellOf(event, "reason"), "\\u0009=1");
  event.act.reason = "a,\"b\"\r\n=1+1,c";
  EXPECT_EQ(cellOf(event, "reason"), "a,\"b\"\\u000d\\u000a=1+1,c");
  EXPECT_EQ(toCsvLine(event).find_first_of("\r\n"), std::string::npos);
}

}  // namespace
}  // namespace loam::audit
