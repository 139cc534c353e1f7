#include "rollout/identity/sealed_key.h"

#include <gtest/gtest.h>

#include "proxy/base/json.h"

namespace loam::identity {
namespace {

constexpr SealingCost kCheap{.n = 16};
constexpr const char* kText = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----\n";

class SealedKeyTest : public testing::Test {
 protected:
  const SealingSecret secret{"correct horse battery"};
  const std::string sealed = *seal(kText, "a1b2", secret, kCheap);

  ErrorCode codeOf(std::string_view text, std::string_view name = "a1b2") const {
    const auto unsealed = unseal(text, name, secret);
    EXPECT_FALSE(unsealed) << text;
    return unsealed ? ErrorCode::Io : unsealed.error().code;
  }
};

TEST_F(SealedKeyTest, D11_IsReadBackWithItsSecretAlone) {
  EXPECT_EQ(*unseal(sealed, "a1b2", secret), kText);
  EXPECT_EQ(sealed.find("PRIVATE"), std::string::npos);
  const auto refused = unseal(sealed, "a1b2", SealingSecret("correct horse batterz"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Denied);
  EXPECT_NE(refused.error().context.find("another passphrase"), std::string::npos);
}

TEST_F(SealedKeyTest, D11_TheDefaultCostIsScryptsOwnAndEverySealingDiffers) {
  const auto full = seal(kText, "a1b2", secret);
  ASSERT_TRUE(full);
  EXPECT_EQ((*parseJson(*full))["scrypt"]["n"].asUInt64(), 32768u);
  EXPECT_EQ(*unseal(*full, "a1b2", secret), kText);
  const Json::Value one = *parseJson(*seal(kText, "a1b2", secret, kCheap));
  const Json::Value other = *parseJson(sealed);
  for (const char* field : {"salt", "nonce", "sealed", "tag"}) EXPECT_NE(one[field], other[field]) << field;
}

TEST_F(SealedKeyTest, D11_NoChangedFieldIsAccepted) {
  const Json::Value file = *parseJson(sealed);
  for (const char* field : {"salt", "nonce", "sealed", "tag"}) {
    Json::Value changed = file;
    std::string text = changed[field].asString();
    text[0] = text[0] == '0' ? '1' : '0';
    changed[field] = text;
    EXPECT_EQ(codeOf(writeJson(changed)), ErrorCode::Denied) << field;
  }
  Json::Value cheaper = file;
  cheaper["scrypt"]["n"] = 8;
  EXPECT_EQ(codeOf(writeJson(cheaper)), ErrorCode::Denied);
  Json::Value renamed = file;
  renamed["name"] = "c3d4";
  EXPECT_EQ(codeOf(writeJson(renamed), "c3d4"), ErrorCode::Denied) << "a sealed key stands for its own name alone";
  EXPECT_EQ(codeOf(sealed, "c3d4"), ErrorCode::InvalidArgument);
}

TEST_F(SealedKeyTest, ANewerFormatIsSaidToBeOne) {
  Json::Value newer = *parseJson(sealed);
  newer["version"] = 2;
  EXPECT_EQ(codeOf(writeJson(newer)), ErrorCode::Unsupported);
}

TEST_F(SealedKeyTest, WhatIsNoneIsSaidToBeNone) {
  for (const char* text : {"", "{}", "[]", "PRIVATE KEY", R"({"format":"other","version":1})"}) {
    EXPECT_EQ(codeOf(text), ErrorCode::InvalidArgument) << text;
  }
  const Json::Value file = *parseJson(sealed);
  for (const char* field : {"scrypt", "salt", "nonce", "sealed", "tag"}) {
    Json::Value torn = file;
    torn[field] = "zz";
    EXPECT_EQ(codeOf(writeJson(torn)), ErrorCode::InvalidArgument) << field;
    torn.removeMember(field);
    EXPECT_FALSE(unseal(writeJson(torn), "a1b2", secret)) << field;
  }
}

TEST_F(SealedKeyTest, AFileCannotAskForAllTheMemory) {
  for (const std::uint64_t n : {0ULL, 1ULL, 3ULL, 1ULL << 40}) {
    Json::Value greedy = *parseJson(sealed);
    greedy["scrypt"]["n"] = Json::UInt64(n);
    EXPECT_EQ(codeOf(writeJson(greedy)), ErrorCode::InvalidArgument) << n;
  }
}

}  // namespace
}  // namespace loam::identity
