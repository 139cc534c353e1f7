#include "proxy/base/yaml.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace loam {
namespace {

TEST(YamlTest, ReadsWhatIsThere) {
  YamlProblems problems("proxy.yaml");
  auto root = YamlMapping::parse(
      "name: web-1\nworkers: 2\nshare: 0.5\nadmin: '[::1]:7402'\non: true\n"
      "listen:\n  - {address: '127.0.0.1:80', to: 'db:5432'}\n  - address: 127.0.0.1:81\ntags: [a, b]\none: x\n",
      problems, {"name", "workers", "share", "admin", "on", "listen", "tags", "one"});
  EXPECT_EQ(root.text("name"), "web-1");
  EXPECT_EQ(root.integer("workers", 1, 64), 2);
  EXPECT_EQ(root.number("share", 0, 1), 0.5);
  EXPECT_EQ(root.address("admin")->text(), "[::1]:7402");
  EXPECT_EQ(root.boolean("on"), true);
  auto listen = root.mappings("listen", {"address", "to"});
  ASSERT_EQ(listen.size(), 2u);
  EXPECT_EQ(listen[0].text("to"), "db:5432");
  EXPECT_EQ(listen[1].text("to"), std::nullopt);
  EXPECT_EQ(root.texts("tags"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(root.texts("one"), (std::vector<std::string>{"x"}));
  EXPECT_TRUE(problems.empty()) << problems.text();
  EXPECT_TRUE(problems.status());
}

TEST(YamlTest, NamesEveryProblemWithItsPlace) {
  YamlProblems problems("p.yaml");
  auto root = YamlMapping::parse(
      "wrokers: 2\nname: [1]\nname: b\nworkers: many\nadmin: localhost\nlevel: loud\non: yes\nlisten:\n  - 5\n  - "
      "{adress: x}\n",
      problems, {"name", "workers", "admin", "level", "on", "listen", "role"});
  root.text("name");
  root.integer("workers", 1, 64);
  root.address("admin");
  root.oneOf("level", {"info", "warn"});
  root.boolean("on");
  root.mappings("listen", {"address", "to"});
  root.require("role");
  const std::string text = problems.text();
  EXPECT_NE(text.find("p.yaml:1:1: unknown key \"wrokers\" (did you mean workers?)"), std::string::npos) << text;
  EXPECT_NE(text.find("p.yaml:1:1: the key \"role\" is missing"), std::string::npos) << text;
  EXPECT_NE(text.find("p.yaml:2:7: name: expected a text"), std::string::npos) << text;
  EXPECT_NE(text.find("p.yaml:3:1: the key \"name\" stands here a second time"), std::string::npos) << text;
  EXPECT_NE(text.find("p.yaml:4:10: workers: expected a whole number from 1 to 64, found \"many\""), std::string::npos);
  EXPECT_NE(text.find("p.yaml:5:8: admin: expected an address"), std::string::npos) << text;
  EXPECT_NE(text.find("p.yaml:6:8: level: expected one of info, warn, found \"loud\""), std::string::npos) << text;
  EXPECT_NE(text.find("p.yaml:7:5: on: expected true or false, found \"yes\""), std::string::npos) << text;
  EXPECT_NE(text.find("p.yaml:9:5: expected a mapping of address, to"), std::string::npos) << text;
  EXPECT_NE(text.find("p.yaml:10:6: unknown key \"adress\" (did you mean address?)"), std::string::npos) << text;
  ASSERT_FALSE(problems.status());
  EXPECT_EQ(problems.status().error().code, ErrorCode::InvalidArgument);
}

TEST(YamlTest, RefusesNumbersThatAreNone) {
  for (const char* value : {"+5", "0x10", "5 6", "5Z", "99999999999999999999", "1.5", "''"}) {
    YamlProblems problems("f");
    auto root = YamlMapping::parse(std::string("n: ") + value, problems, {"n"});
    EXPECT_EQ(root.integer("n", 0, 1000), std::nullopt) << value;
    EXPECT_FALSE(problems.empty()) << value;
  }
}

TEST(YamlTest, SyntaxErrorsHaveAPlace) {
  YamlProblems problems("f.yaml");
  YamlMapping::parse("a: 1\nb: [1, 2\nc: }\n", problems, {"a", "b"});
  EXPECT_EQ(problems.text().rfind("f.yaml:3:", 0), 0u) << problems.text();
}

TEST(YamlTest, AnEmptyFileIsAnEmptyMapping) {
  YamlProblems problems("f");
  for (const char* text : {"", "# nothing\n", "---\n"}) {
    auto root = YamlMapping::parse(text, problems, {"a"});
    EXPECT_FALSE(root.has("a"));
  }
  EXPECT_TRUE(problems.empty());
}

TEST(YamlTest, DeepNestingAndTwoDocumentsAreRefused) {
  YamlProblems deep("f");
  YamlMapping::parse(std::string(20'000, '['), deep, {"a"});
  EXPECT_FALSE(deep.empty());
  YamlProblems two("f");
  YamlMapping::parse("a: 1\n---\na: 2\n", two, {"a"});
  EXPECT_NE(two.text().find("expected one document"), std::string::npos);
}

TEST(YamlTest, AMissingFileIsNamed) {
  YamlProblems problems("f");
  const auto root = YamlMapping::load("/nonexistent/proxy.yaml", problems, {"a"});
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().code, ErrorCode::NotFound);
  EXPECT_NE(root.error().context.find("/nonexistent/proxy.yaml"), std::string::npos);
}

}  // namespace
}  // namespace loam
