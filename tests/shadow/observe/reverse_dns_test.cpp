#include "shadow/observe/reverse_dns.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/fake_clock.h"

namespace loam::observe {
namespace {

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

TEST(ReverseDnsTest, KnowsNamesThatOnlySpellAnAddress) {
  const auto four = ip("10.20.3.4");
  for (const char* name : {"ip-10-20-3-4.ec2.internal", "4.3.20.10.in-addr.arpa", "host10.20.3.4.example",
                           "4-3-20-10.dsl.example", "c0a14030a140304.example", "x.ip6.arpa"}) {
    EXPECT_TRUE(spellsAddress(name, four)) << name;
  }
  for (const char* name : {"db.example", "ip-10-20-3-40.example", "110-20-3-4.example", "mail4.example"}) {
    EXPECT_FALSE(spellsAddress(name, four)) << name;
  }
  EXPECT_TRUE(spellsAddress("2001-db8--7.example", ip("2001:db8::7")));
  EXPECT_TRUE(spellsAddress("20010db8000000000000000000000007.example", ip("2001:db8::7")));
  EXPECT_FALSE(spellsAddress("db.example", ip("2001:db8::7")));
}

TEST(ReverseDnsTest, AsksOnceAnHourWhetherThereIsANameOrNot) {
  test::FakeClock clock;
  std::atomic<int> asked{0};
  ReverseDns dns(clock, [&](const IpAddress& address) {
    ++asked;
    return address == ip("10.0.0.2") ? std::string("db.example") : std::string();
  });
  std::vector<ReverseName> names;
  const auto until = [&](int times) {
    while (asked < times || (times == 1 && names.empty())) {
      for (auto& name : dns.take()) names.push_back(std::move(name));
      std::this_thread::yield();
    }
  };
  dns.ask(ip("127.0.0.1"));
  dns.ask(ip("10.0.0.2"));
  dns.ask(ip("10.0.0.2"));
  until(1);
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0].name, "db.example");
  dns.ask(ip("10.0.0.3"));
  until(2);
  dns.ask(ip("10.0.0.3"));
  dns.ask(ip("10.0.0.2"));
  clock.advance(std::chrono::hours(1));
  dns.ask(ip("10.0.0.3"));
  until(3);
  EXPECT_EQ(asked, 3);
}

}  // namespace
}  // namespace loam::observe
