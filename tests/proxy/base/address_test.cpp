#include "proxy/base/address.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(AddressTest, ParsesAndPrintsBothFamilies) {
  for (const char* text : {"10.0.0.1:80", "[2001:db8::1]:443", "127.0.0.1:0", "[::1]:65535"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(AddressTest, MappedIpv4IsIpv4) {
  EXPECT_EQ(IpAddress::parse("::ffff:10.0.0.1")->text(), "10.0.0.1");
  EXPECT_EQ(*IpAddress::parse("::ffff:10.0.0.1"), *IpAddress::parse("10.0.0.1"));
}

TEST(AddressTest, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:-1", "10.0.0.1:80x", "host:80",
                           "::1:80", "[::1]", "10.0.0.256:80", "10.0.0.1: 80"}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
  }
}

TEST(AddressTest, SurvivesTheKernelsForm) {
  for (const char* text : {"10.1.2.3:5432", "[2001:db8::7]:80"}) {
    const auto address = *SocketAddress::parse(text);
    sockaddr_storage storage{};
    for (const bool asV6 : {false, true}) {
      address.to(storage, asV6);
      EXPECT_EQ(SocketAddress::from(storage), address);
    }
  }
}

TEST(AddressTest, KnowsLoopbackLinkLocalAndUnspecified) {
  EXPECT_TRUE(IpAddress::parse("127.1.2.3")->isLoopback());
  EXPECT_TRUE(IpAddress::parse("::1")->isLoopback());
  EXPECT_FALSE(IpAddress::parse("128.0.0.1")->isLoopback());
  EXPECT_TRUE(IpAddress::parse("169.254.169.254")->isLinkLocal());
  EXPECT_TRUE(IpAddress::parse("fe80::1")->isLinkLocal());
  EXPECT_TRUE(IpAddress::parse("0.0.0.0")->isUnspecified());
  EXPECT_TRUE(IpAddress::parse("::")->isUnspecified());
}

}  // namespace
}  // namespace loam
