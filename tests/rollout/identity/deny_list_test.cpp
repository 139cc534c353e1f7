#include "rollout/identity/deny_list.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"

namespace loam::identity {
namespace {

constexpr const char* kNodeA = "spiffe://loam/proxy/node-a";
constexpr const char* kNodeB = "spiffe://loam/proxy/node-b";

class DenyListTest : public testing::Test {
 protected:
  void SetUp() override {
    list.add({Denial::Of::Serial, "7f01", 1000, 10, "laptop stolen"});
    list.add({Denial::Of::Name, kNodeB, 2000, 20, ""});
  }
  DenyList list;
};

TEST_F(DenyListTest, D12_TurnsAwaySerialsAndNames) {
  EXPECT_EQ(list.whyDenied("7f01", kNodeA, 500), "7f01 was revoked: laptop stolen");
  EXPECT_EQ(list.whyDenied("7f02", kNodeB, 500), "spiffe://loam/proxy/node-b was revoked");
  EXPECT_FALSE(list.whyDenied("7f02", kNodeA, 500));
  EXPECT_FALSE(list.whyDenied("7f0", kNodeA, 500));
  EXPECT_FALSE(list.whyDenied(kNodeB, "7f01", 500)) << "a serial is no name";
}

TEST_F(DenyListTest, LastsAsLongAsTheCertificateAndAnyClockMayBeBehind) {
  EXPECT_TRUE(list.whyDenied("7f01", kNodeA, 1000 + DenyList::kSkew));
  EXPECT_FALSE(list.whyDenied("7f01", kNodeA, 1001 + DenyList::kSkew));
  EXPECT_EQ(list.prune(1000 + DenyList::kSkew), 0u);
  EXPECT_EQ(list.prune(1001 + DenyList::kSkew), 1u);
  EXPECT_EQ(list.size(), 1u);
}

TEST_F(DenyListTest, TheLongerOfTwoDenialsCounts) {
  list.add({Denial::Of::Serial, "7f01", 500, 30, "shorter"});
  EXPECT_EQ(list.denials().at("serial/7f01").until, 1000);
  list.add({Denial::Of::Serial, "7f01", 5000, 30, "longer"});
  EXPECT_EQ(list.whyDenied("7f01", kNodeA, 4000), "7f01 was revoked: longer");
  EXPECT_EQ(list.size(), 2u);
}

TEST_F(DenyListTest, ADenialCanBeTakenBack) {
  EXPECT_TRUE(list.remove(Denial{.of = Denial::Of::Name, .value = kNodeB}.key()));
  EXPECT_FALSE(list.remove("name/spiffe://loam/proxy/node-b"));
  EXPECT_FALSE(list.whyDenied("7f02", kNodeB, 500));
}

TEST_F(DenyListTest, IsReadBackAsItWasWritten) {
  const auto again = denyListFromJson(*parseJson(writeJson(toJson(list))));
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_EQ(again->denials(), list.denials());
  const Json::Value one = toJson(list.denials().begin()->second);
  EXPECT_EQ(*denialFromJson(one), list.denials().begin()->second);
  for (const std::string& member : one.getMemberNames()) {
    Json::Value torn = one;
    torn.removeMember(member);
    EXPECT_FALSE(denialFromJson(torn)) << member;
  }
  Json::Value odd = one;
  odd["of"] = "colour";
  EXPECT_FALSE(denialFromJson(odd));
  EXPECT_FALSE(denyListFromJson(Json::Value("all")));
}

}  // namespace
}  // namespace loam::identity
