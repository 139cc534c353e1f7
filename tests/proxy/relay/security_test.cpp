#include "proxy/relay/security.h"

#include <gtest/gtest.h>

namespace loam::relay {
namespace {

using State = Security::State;

TEST(SecurityTest, EveryStateHasAWordThatReadsBack) {
  for (unsigned state = 0; state <= static_cast<unsigned>(State::Suspended); ++state) {
    const Security security{static_cast<State>(state), 0};
    EXPECT_EQ(securityOf(text(security)), security) << state;
    EXPECT_EQ(Security::ofCode(security.code()), security) << state;
  }
  EXPECT_EQ(text({State::Mutual, 0}), "mutual");
  EXPECT_EQ(text({State::Unasked, 0}), "");
  EXPECT_EQ(text({State::Suspended, 0}), "suspended");
}

TEST(SecurityTest, AFailedHandshakeNamesItsAlertAlsoWhereNobodyKnowsIt) {
  EXPECT_EQ(text({State::HandshakeFailed, 45}), "handshake_failed:certificate_expired");
  EXPECT_EQ(text({State::HandshakeFailed, 203}), "handshake_failed:203");
  for (unsigned alert = 0; alert < 256; ++alert) {
    const Security security{State::HandshakeFailed, static_cast<std::uint8_t>(alert)};
    EXPECT_EQ(securityOf(text(security)), security) << alert;
    EXPECT_EQ(Security::ofCode(security.code()), security) << alert;
  }
}

TEST(SecurityTest, WhatNobodySaysIsNoState) {
  for (const char* wrong : {"Mutual", "mutual:bad_certificate", "handshake_failed:", "handshake_failed:0",
                            "handshake_failed:256", "handshake_failed:no_such", "ready ", "unheard"}) {
    EXPECT_EQ(securityOf(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(Security::ofCode(0xff00), Security());
}

}  // namespace
}  // namespace loam::relay
