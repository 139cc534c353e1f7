#include "rollout/notify/hook_url.h"

#include <gtest/gtest.h>

namespace loam::notify {
namespace {

HookUrl url(std::string_view text) {
  const auto parsed = HookUrl::parse(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().context;
  return parsed.value_or(HookUrl());
}

TEST(HookUrlTest, AUrlIsTakenApart) {
  const HookUrl whole = url("https://OnCall.example:8443/hooks/loam?team=a");
  EXPECT_TRUE(whole.tls);
  EXPECT_EQ(whole.host, "oncall.example");
  EXPECT_FALSE(whole.address);
  EXPECT_EQ(whole.port, 8443);
  EXPECT_EQ(whole.target, "/hooks/loam?team=a");
  EXPECT_EQ(whole.authority(), "oncall.example:8443");
  EXPECT_EQ(url("http://a.example").target, "/");
  EXPECT_EQ(url("http://a.example?x=1").target, "/?x=1");
  EXPECT_EQ(url("http://a.example").port, 80);
  EXPECT_EQ(url("https://a.example").port, 443);
  EXPECT_EQ(url("https://a.example:443/").authority(), "a.example");
  EXPECT_EQ(url("http://10.0.0.5:8080/").address->text(), "10.0.0.5");
  EXPECT_EQ(url("http://[2001:db8::1]:8080/").authority(), "[2001:db8::1]:8080");
}

TEST(HookUrlTest, WhatIsShownHasNoSecret) {
  EXPECT_EQ(url("https://hooks.example/services/T0/B0/s3cr3t").shown(), "https://hooks.example/...");
  EXPECT_EQ(url("https://hooks.example:8443/?token=s3cr3t").shown(), "https://hooks.example:8443/...");
  EXPECT_EQ(url("http://127.0.0.1:9000/").shown(), "http://127.0.0.1:9000/");
}

TEST(HookUrlTest, ItKnowsWhenThisHostIsMeant) {
  for (const char* text : {"http://127.0.0.1/", "http://[::1]:1/", "http://localhost:1/", "http://a.localhost/"}) {
    EXPECT_TRUE(url(text).meansLoopback()) << text;
  }
  for (const char* text : {"http://10.0.0.1/", "http://localhost.example/", "http://mylocalhost/"}) {
    EXPECT_FALSE(url(text).meansLoopback()) << text;
  }
}

TEST(HookUrlTest, AnythingElseIsRefusedAndNeverQuoted) {
  for (const char* text : {"",
                           "oncall.example",
                           "ftp://a.example/",
                           "HTTP://a.example/",
                           "http:///path",
                           "http://:80/",
                           "http://a.example:/",
                           "http://a.example:0/",
                           "http://a.example:65536/",
                           "http://a.example:80x/",
                           "http://[::1/",
                           "http://[10.0.0.1]/",
                           "http://fe80::1/",
                           "http://a b/",
                           "http://a.example/a b",
                           "http://a.example/#x",
                           "http://-a.example/",
                           "http://ada:s3cr3t@a.example/",
                           "http://a.example/s3cr3t#s3cr3t",
                           "http://\xc3\xa4.example/"}) {
    const auto parsed = HookUrl::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(parsed.error().context.find("s3cr3t"), std::string::npos) << parsed.error().context;
  }
  EXPECT_FALSE(HookUrl::parse("http://a.example/" + std::string(2048, 'x')));
}

}  // namespace
}  // namespace loam::notify
