#include "rollout/notify/address_rule.h"

#include <gtest/gtest.h>

namespace loam::notify {
namespace {

std::string_view never(std::string_view address, bool mayBeLoopback = false) {
  return whyNever(*IpAddress::parse(address), mayBeLoopback);
}

TEST(AddressRuleTest, C7_WhereCloudsAnswerWithCredentialsNothingIsSent) {
  for (const char* address : {"169.254.169.254", "169.254.0.1", "::ffff:169.254.169.254", "fe80::1", "febf::1",
                              "64:ff9b::a9fe:a9fe", "fd00:ec2::254"}) {
    EXPECT_NE(never(address), "") << address;
    EXPECT_NE(never(address, true), "") << address;
  }
}

TEST(AddressRuleTest, C7_NorWhereNobodyOrEverybodyIs) {
  for (const char* address :
       {"0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1"}) {
    EXPECT_NE(never(address, true), "") << address;
  }
}

TEST(AddressRuleTest, C7_ThisHostIsMeantOnlyWhereTheUrlSaysSo) {
  for (const char* address : {"127.0.0.1", "127.8.8.8", "::1", "64:ff9b::7f00:1"}) {
    EXPECT_NE(never(address), "") << address;
    EXPECT_EQ(never(address, true), "") << address;
  }
}

TEST(AddressRuleTest, OthersAreCalled) {
  for (const char* address : {"10.0.0.5", "192.168.1.1", "172.16.0.1", "100.64.0.1", "203.0.113.7", "2001:db8::1",
                              "fd00::1", "64:ff9b::a00:5", "223.255.255.255"}) {
    EXPECT_EQ(never(address), "") << address;
  }
}

}  // namespace
}  // namespace loam::notify
