#include "proxy/filters/source_share.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "rollout/flags/population.h"

namespace loam::flags {
namespace {

/// The proxy's half of flags::switched: one unit at a time.
TEST(SourceShareTest, AProxySwitchesWhomThePreviewOfAGreatPopulationNames) {
  std::vector<std::string> callers;
  for (std::size_t i = 0; i < kSmallPopulation + 100; ++i) callers.push_back("caller-" + std::to_string(i));
  Flag flag;
  flag.salt = "shop/policy";
  flag.include = {"caller-17", "caller-8"};
  flag.exclude = {"caller-1", "caller-8"};
  for (const Share share : {Share{0}, Share{1000}, Share{25'000}, Share{99'999}, kWhole}) {
    flag.share = share;
    const std::vector<std::string> named = switched(flag, callers);
    const filters::SourceShare proxy{share, flag.salt, flag.include, flag.exclude};
    for (const std::string& caller : callers) {
      const bool isNamed = std::find(named.begin(), named.end(), caller) != named.end();
      EXPECT_EQ(proxy.has(caller, IpAddress()), isNamed) << caller << " at " << share;
    }
  }
}

}  // namespace
}  // namespace loam::flags
