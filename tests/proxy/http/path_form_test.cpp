#include "proxy/http/path_form.h"

#include <gtest/gtest.h>

namespace loam::http {
namespace {

std::string formOf(std::string_view path) {
  std::string changed;
  const auto form = canonicalPath(path, changed);
  return form ? std::string(*form) : "refused";
}

TEST(PathFormTest, C1_WhatIsCanonicalStaysAndCostsNothing) {
  for (const std::string_view path : {"/", "/a", "/a/b.c/d~e", "/a;v=1/b", "*", "shop:443", "/caf\xC3\xA9"}) {
    std::string changed;
    const auto form = canonicalPath(path, changed);
    ASSERT_TRUE(form) << path;
    EXPECT_EQ(*form, path);
    EXPECT_EQ(form->data(), path.data()) << path;
  }
}

TEST(PathFormTest, C1_OneFormForWhatServersReadAlike) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"//a", "/a"},
      {"/a//b///", "/a/b/"},
      {"/a/./b", "/a/b"},
      {"/a/.", "/a/"},
      {"/a/b/../c", "/a/c"},
      {"/a/b/..", "/a/"},
      {"/a/..", "/"},
      {"/%61%2d%5F%7e", "/a-_~"},
      {"/a%2eb", "/a.b"},
      {"/a/%2e%2e/b", "/b"},
      {"/a/.%2E/b", "/b"},
      {"/%c3%a9", "/%C3%A9"},
      {"/%3a%20", "/%3A%20"},
      {"/a/;x/../b", "/a/b"},
      {"/%252e%252e/a", "/%252e%252e/a"},  // decoded once: it is the name of a file
      {"/.hidden", "/.hidden"},
      {"/...", "/..."},
  };
  for (const auto& [path, form] : cases) EXPECT_EQ(formOf(path), form) << path;
}

TEST(PathFormTest, C1_WhatTwoServersReadInTwoWaysIsRefused) {
  for (const std::string_view path :
       {"/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/a%00b", "/a%", "/a%4", "/a%zz", "/..", "/a/../..", "/a/../../b",
        "/%2e%2e/", "/a/..;/b", "/a/.;x/b", "/a/%2e.;/b", "/%c0%ae", "/%ff", "/%ed%a0%80", "/a%c3"}) {
    EXPECT_EQ(formOf(path), "refused") << path;
  }
}

TEST(PathFormTest, C1_TheFormOfAFormIsItself) {
  for (const std::string_view path : {"/a//b/../%41;x/%c3%a9/.", "//", "/%7e//./x", "/;a/..//b"}) {
    const std::string once = formOf(path);
    EXPECT_EQ(formOf(once), once) << path;
  }
}

TEST(PathFormTest, ParametersOfSegmentsAreLeftOutForComparing) {
  std::string changed;
  EXPECT_EQ(withoutParameters("/admin;x=1/a;y;z/b", changed), "/admin/a/b");
  EXPECT_EQ(withoutParameters("/;jsessionid=1", changed), "/");
  EXPECT_EQ(withoutParameters("/a", changed), "/a");
}

TEST(PathFormTest, TargetsComeApart) {
  const auto parts = [](std::string_view target) {
    const TargetParts got = partsOf(target);
    return std::string(got.authority) + "|" + std::string(got.path) + "|" + std::string(got.query);
  };
  EXPECT_EQ(parts("/a?b=1?c"), "|/a|b=1?c");
  EXPECT_EQ(parts("/a"), "|/a|");
  EXPECT_EQ(parts("http://shop:80/a?b"), "shop:80|/a|b");
  EXPECT_EQ(parts("http://shop"), "shop|/|");
  EXPECT_EQ(parts("http://shop?b"), "shop|/|b");
  EXPECT_EQ(parts("*"), "|*|");
  EXPECT_EQ(parts("shop:443"), "|shop:443|");
}

}  // namespace
}  // namespace loam::http
