#include "proxy/http/event_parser.h"

#include <gtest/gtest.h>

#include <vector>

namespace loam::http {
namespace {

TEST(EventParserTest, PiecesOfAnySizeAreTheSame) {
  const std::string text =
      "retry: 2000\n\n: ping\n\nid: 7\r\nevent: flag\r\ndata: {\"a\":1}\r\n\r\ndata: x\ndata:y\n\nevent: nothing\n\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    std::vector<EventParser::Event> heard;
    EventParser parser([&](const EventParser::Event& event) { heard.push_back(event); });
    for (std::size_t i = 0; i < text.size(); i += size) EXPECT_TRUE(parser.take(text.substr(i, size)));
    ASSERT_EQ(heard.size(), 2u) << size;
    EXPECT_EQ(heard[0].id, "7");
    EXPECT_EQ(heard[0].kind, "flag");
    EXPECT_EQ(heard[0].data, "{\"a\":1}");
    EXPECT_EQ(heard[1].data, "x\ny");
  }
  EventParser parser([](const EventParser::Event&) {});
  EXPECT_FALSE(parser.take(std::string(EventParser::kMostLine + 1, 'x')));
}

}  // namespace
}  // namespace loam::http
