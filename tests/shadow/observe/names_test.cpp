#include "shadow/observe/names.h"

#include <gtest/gtest.h>

#include "shadow/observe/hosts_file.h"

namespace loam::observe {
namespace {

const IpAddress kHost = *IpAddress::parse("10.0.0.2");

TEST(NamesTest, NormalisesHostsAndRefusesWhatNamesNothing) {
  EXPECT_EQ(normaliseName("Shop.Example.:8080"), "shop.example");
  EXPECT_EQ(normaliseName("db_1"), "db_1");
  for (const char* text : {"", ".", ":80", "10.0.0.1", "10.0.0.1:80", "::1", "[::1]:80", "a b", "a\r\nb", "<img>",
                           "a..b", ".a", "-a", "123", "1.2.3", "h\xc3\xa9"}) {
    EXPECT_EQ(normaliseName(text), "") << text;
  }
  EXPECT_EQ(normaliseName(std::string(254, 'a')), "");
}

TEST(NamesTest, TellsWhatIsNewAndHowOftenItWasSeen) {
  NameCollector names;
  names.note(kHost, 80, "host", "a.example");
  names.note(kHost, 80, "host", "A.example:80", 2);
  names.note(kHost, 80, "sni", "a.example");
  auto taken = names.take();
  ASSERT_EQ(taken.size(), 2u);
  std::sort(taken.begin(), taken.end(), [](const auto& a, const auto& b) { return a.source < b.source; });
  EXPECT_EQ(taken[0], (wire::NameEvidence{kHost, 80, "host", "a.example", 3}));
  EXPECT_EQ(taken[1].seen, 1u);
  EXPECT_TRUE(names.take().empty());
  names.note(kHost, 80, "host", "a.example");
  EXPECT_EQ(names.take().front().seen, 1u);
}

TEST(NamesTest, AFloodOfNamesLeavesTheFrequentOne) {
  NameCollector names;
  std::uint64_t told = 0;
  for (int i = 0; i < 100000; ++i) {
    if (i % 4 == 0) names.note(kHost, 443, "sni", "real.example");
    names.note(kHost, 443, "sni", "flood" + std::to_string(i) + ".example");
    if (i % 1000 == 999) {
      for (const auto& name : names.take()) told += name.name == "real.example" ? name.seen : 0;
    }
  }
  EXPECT_LE(names.size(), NameCollector::kMostPerSource);
  EXPECT_GT(told, 20000u);
}

TEST(NamesTest, ServicesAndProcessesKeepTheirSpelling) {
  NameCollector names;
  names.note(kHost, 0, "grpc", "shop.v1.Cart");
  names.note(kHost, 0, "process", "postgresql@15-main");
  names.note(kHost, 0, "process", "bad name\n");
  std::vector<std::string> taken;
  for (const auto& name : names.take()) taken.push_back(name.name);
  std::sort(taken.begin(), taken.end());
  EXPECT_EQ(taken, (std::vector<std::string>{"postgresql@15-main", "shop.v1.Cart"}));
}

TEST(NamesTest, ReadsHostsFilesAsTheResolverDoes) {
  const auto entries = parseHosts(
      "127.0.0.1 localhost\n# 10.0.0.9 no\n10.0.0.2\tDB.example db # the database\r\n\n  10.0.0.3   10.0.0.3 cache\n"
      "fe00::0 ip6-localnet\nff02::1 ip6-allnodes\n2001:db8::5 six\nnonsense line\n10.0.0.4\n10.0.0.5 last");
  std::vector<std::string> names;
  for (const HostsEntry& entry : entries) names.push_back(entry.address.text() + "=" + entry.name);
  EXPECT_EQ(names, (std::vector<std::string>{"10.0.0.2=db.example", "10.0.0.3=cache", "fe00::=ip6-localnet",
                                             "2001:db8::5=six", "10.0.0.5=last"}));
}

TEST(NamesTest, AHostsFileThatIsNotThereNamesNothing) { EXPECT_TRUE(readHosts("/nonexistent/hosts").empty()); }

}  // namespace
}  // namespace loam::observe
