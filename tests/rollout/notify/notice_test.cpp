#include "rollout/notify/notice.h"

#include <gtest/gtest.h>

#include <set>

#include "proxy/base/json.h"

namespace loam::notify {
namespace {

/// Receivers and configurations know events by these.
TEST(NoticeTest, TheNamesStayWhatTheyAre) {
  EXPECT_EQ(eventNames(),
            (std::vector<std::string>{"flag.killed", "flag.called_off", "flag.expired", "identity.revoked",
                                      "proxy.silent", "proxy.refuses", "proxy.killed", "proxy.clock_off",
                                      "identity.expiring", "identity.rotation_waits", "controller.ledger_fails",
                                      "controller.journal_used", "access.wrong_tokens"}));
  std::set<std::string_view> all;
  for (const std::string& name : eventNames()) {
    const auto event = eventNamed(name);
    ASSERT_TRUE(event) << name;
    EXPECT_EQ(kindOf(*event).name, name);
    EXPECT_TRUE(all.insert(kindOf(*event).name).second) << name;
    const bool isState = *event > Event::IdentityRevoked;
    EXPECT_EQ(isState, !kindOf(*event).over.empty()) << name;
    EXPECT_EQ(isState, !kindOf(*event).overText.empty()) << name;
    EXPECT_TRUE(!isState || all.insert(kindOf(*event).over).second) << name;
    EXPECT_TRUE(kindOf(*event).help.starts_with("loam ")) << name;
  }
  EXPECT_EQ(eventNamed("test"), std::nullopt) << "nobody subscribes to it";
  EXPECT_EQ(eventNamed("proxy.back"), std::nullopt) << "it comes with proxy.silent";
}

TEST(NoticeTest, TheBodySaysWhatWhenWhereAndWhatHelps) {
  Notice notice;
  notice.id = "0123";
  notice.event = Event::ProxySilent;
  notice.at = 1'764'201'600'123;
  notice.subject = "web-1";
  notice.summary = "Proxy web-1 was not heard of for 90 s.";
  notice.detail = "It asked last at 2025-11-26T23:58:30Z.";
  EXPECT_EQ(bodyOf(notice, "ctl-1"),
            R"({"at":"2025-11-27T00:00:00Z","controller":"ctl-1","detail":"It asked last at 2025-11-26T23:58:30Z.",)"
            R"("event":"proxy.silent","help":"loam proxy describe web-1","id":"0123","severity":"critical",)"
            R"("subject":"web-1","summary":"Proxy web-1 was not heard of for 90 s."})");
  notice.over = true;
  const Json::Value over = *parseJson(bodyOf(notice, "ctl-1"));
  EXPECT_EQ(over["event"], "proxy.back");
  EXPECT_EQ(over["severity"], "info");
}

TEST(NoticeTest, E11_TextOfOthersCannotActWhereItIsShown) {
  EXPECT_EQ(plain("a\x1b[31m\nb\xe2\x80\xae", 100),
            "a\xef\xbf\xbd[31m\xef\xbf\xbd"
            "b\xef\xbf\xbd");
  EXPECT_EQ(plain("\xff\xfe ok \xc3\xa4", 100), "\xef\xbf\xbd\xef\xbf\xbd ok \xc3\xa4");
  EXPECT_EQ(plain("abcdef", 4), "abcd...");
  EXPECT_EQ(plain("abcd", 4), "abcd");
  Notice notice;
  notice.subject = std::string(100'000, 'x');
  notice.summary = notice.detail = std::string(100'000, 'y');
  EXPECT_LT(bodyOf(notice, "c").size(), 10'000u);
}

TEST(NoticeTest, ACommandCanBePastedWhateverItIsAbout) {
  EXPECT_EQ(shellWord("web-1.example:80"), "web-1.example:80");
  EXPECT_EQ(shellWord("x; rm -rf /"), "'x; rm -rf /'");
  EXPECT_EQ(shellWord("it's"), "'it'\\''s'");
  EXPECT_EQ(shellWord("$(id)"), "'$(id)'");
  EXPECT_EQ(shellWord("--all"), "'--all'");
  EXPECT_EQ(shellWord("*"), "'*'");
  EXPECT_EQ(shellWord(""), "''");
  Notice notice;
  notice.event = Event::ProxySilent;
  notice.subject = "a b";
  EXPECT_EQ((*parseJson(bodyOf(notice, "c")))["help"], "loam proxy describe 'a b'");
}

}  // namespace
}  // namespace loam::notify
