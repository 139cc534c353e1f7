#include "proxy/base/cidr.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(CidrTest, ReadsNetworksAndSingleAddressesOfBothFamilies) {
  EXPECT_EQ(Cidr::parse("10.0.0.0/8")->text(), "10.0.0.0/8");
  EXPECT_EQ(Cidr::parse("10.1.2.3")->text(), "10.1.2.3/32");
  EXPECT_EQ(Cidr::parse("0.0.0.0/0")->text(), "0.0.0.0/0");
  EXPECT_EQ(Cidr::parse("fd00::/8")->text(), "fd00::/8");
  EXPECT_EQ(Cidr::parse("2001:db8::1")->text(), "2001:db8::1/128");
  EXPECT_TRUE(Cidr::parse("10.0.0.0/8")->isV4());
  EXPECT_FALSE(Cidr::parse("::/0")->isV4());
}

TEST(CidrTest, ContainsItsAddressesAndNoneOfTheOtherFamily) {
  const auto in = [](const char* network, const char* address) {
    return Cidr::parse(network)->contains(*IpAddress::parse(address));
  };
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(in("10.0.0.128/25", "10.0.0.200"));
  EXPECT_FALSE(in("10.0.0.128/25", "10.0.0.127"));
  EXPECT_TRUE(in("10.0.0.1", "10.0.0.1"));
  EXPECT_FALSE(in("10.0.0.1", "10.0.0.2"));
  EXPECT_TRUE(in("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(in("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(in("::/0", "2001:db8::1"));
  EXPECT_FALSE(in("::/0", "10.0.0.1"));
  EXPECT_TRUE(in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(CidrTest, RefusesWhatIsNoNetwork) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "fd00::/129", "10.0.0.0/8x", "10.0.0.0/-1", "example.com", "10.0.0.1/8",
        "fd00::1/64", "10.0.0.0/8/8", "10.0.0.0 /8", "0.0.0.0/0; flush ruleset"}) {
    EXPECT_FALSE(Cidr::parse(text)) << text;
  }
}

}  // namespace
}  // namespace loam
