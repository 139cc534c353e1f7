#include "proxy/base/json.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(JsonTest, RefusesWhatIsNotStrictlyJson) {
  for (const char* text :
       {"", "{", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "// no\n{}", "{\"a\":NaN}", "{} {}", "{'a':1}", "[1,]"}) {
    EXPECT_FALSE(parseJson(text)) << text;
  }
}

TEST(JsonTest, RefusesDepthOverItsLimit) {
  EXPECT_TRUE(parseJson(std::string(10, '[') + std::string(10, ']'), 16));
  EXPECT_FALSE(parseJson(std::string(100000, '[') + std::string(100000, ']'), 16));
}

TEST(JsonTest, TypedReadsNameTheMember) {
  const auto value = *parseJson(R"({"port": "80", "count": -1})");
  EXPECT_EQ(readInt(value, "port").error().context, "port: expected a whole number");
  EXPECT_FALSE(readUint(value, "count"));
  EXPECT_EQ(readString(value, "name").error().code, ErrorCode::NotFound);
  EXPECT_EQ(*readString(value, "port"), "80");
}

TEST(JsonTest, TheSameValueGivesTheSameBytes) {
  EXPECT_EQ(writeJson(*parseJson(R"({"b":1,"a":[true,null]})")), R"({"a":[true,null],"b":1})");
}

}  // namespace
}  // namespace loam
