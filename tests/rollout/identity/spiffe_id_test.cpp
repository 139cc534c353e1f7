#include "rollout/identity/spiffe_id.h"

#include <gtest/gtest.h>

namespace loam::identity {
namespace {

TEST(SpiffeIdTest, IsReadBackAsItWasMade) {
  const std::string text = spiffeId("loam", "proxy", "Node-a_1.example");
  EXPECT_EQ(text, "spiffe://loam/proxy/Node-a_1.example");
  EXPECT_EQ(parseSpiffeId(text), (SpiffeId{"loam", "proxy", "Node-a_1.example"}));
}

TEST(SpiffeIdTest, WhatCouldBeReadTwoWaysIsNone) {
  for (const std::string text : {"",
                                 "spiffe://",
                                 "spiffe://loam",
                                 "spiffe://loam/proxy",
                                 "spiffe://loam/proxy/",
                                 "spiffe://loam//a",
                                 "spiffe:///proxy/a",
                                 "spiffe://loam/proxy/a/b",
                                 "spiffe://loam/proxy/..",
                                 "spiffe://loam/./a",
                                 "spiffe://loam/proxy/a?b",
                                 "spiffe://loam/proxy/a,DNS:b",
                                 "spiffe://loam/proxy/a b",
                                 "spiffe://loam/proxy/%61",
                                 "spiffe://LOAM/proxy/a",
                                 "spiffe://loam:1/proxy/a",
                                 "spiffe://.loam/proxy/a",
                                 "spiffe://loam./proxy/a",
                                 "https://loam/proxy/a",
                                 "Spiffe://loam/proxy/a",
                                 "spiffe://loam/proxy/\xc3\xa4"}) {
    EXPECT_FALSE(parseSpiffeId(text)) << text;
  }
  EXPECT_FALSE(parseSpiffeId("spiffe://loam/proxy/" + std::string(300, 'a')));
  EXPECT_FALSE(parseSpiffeId(std::string("spiffe://loam/proxy/a\0b", 23)));
}

}  // namespace
}  // namespace loam::identity
