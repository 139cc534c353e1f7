#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <future>
#include <mutex>
#include <vector>

#include "proxy/http/event_parser.h"
#include "proxy/wire/watch.h"
#include "tests/rollout/api/api_fixture.h"

namespace loam {
namespace {

using Event = http::EventParser::Event;

/// Somebody who listens on a thread of his own, until he has heard so many.
class Listener {
 public:
  Listener(const http::Target& target, http::Request request, std::size_t most) : most_(most) {
    done_ = std::async(std::launch::async, [this, target, request] {
      http::EventParser parser([this](const Event& event) {
        const std::lock_guard lock(mutex_);
        heard_.push_back(event);
      });
      const auto answer = http::followAndWait(target, request, seconds(20), [&](std::string_view piece) {
        parser.take(piece);
        const std::lock_guard lock(mutex_);
        bytes_ += piece.size();
        return heard_.size() < most_;
      });
      return answer ? answer->status : 0;
    });
  }
  /// Whether the controller has let him in.
  bool isListening() const {
    const std::lock_guard lock(mutex_);
    return bytes_ != 0;
  }
  int status() { return done_.get(); }
  std::vector<Event> heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::vector<Event> heard_;
  std::size_t bytes_ = 0;
  std::future<int> done_;
};

class EventsTest : public ControllerFixture {
 protected:
  http::Target target() const { return *http::Target::parse(settings.socket); }
  std::unique_ptr<Listener> listen(const std::string& query, std::size_t most,
                                   std::vector<std::pair<std::string, std::string>> headers = {}) const {
    auto made = std::make_unique<Listener>(
        target(), http::Request{.target = "/v1/events" + query, .headers = std::move(headers)}, most);
    for (int i = 0; i < 500 && !made->isListening(); ++i) std::this_thread::sleep_for(milliseconds(10));
    EXPECT_TRUE(made->isListening());
    return made;
  }
  void freeze(const std::string& reason) const {
    EXPECT_EQ(post("/v1/freezes", R"({"service":"cart","reason":")" + reason + "\"}").status, 201);
  }
  void ask(const std::string& proxy) const {
    wire::Watch watch;
    watch.proxy = proxy;
    watch.waitMs = 1;
    post("/v1/watch", wire::encode(watch));
  }
};

TEST_F(EventsTest, WhatHappensIsHeardUnderItsSequence) {
  for (int i = 0; i < 20; ++i) freeze("before, if by less than a millisecond");
  const auto listener = listen("", 3);
  freeze("first");
  EXPECT_EQ(post("/v1/users", R"({"name":"ada","role":"viewer"})").status, 201);
  EXPECT_EQ(post("/v1/kill", R"({"feature":"observe"})").status, 200);
  EXPECT_EQ(listener->status(), 200);
  const auto heard = listener->heard();
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_EQ(heard[0].kind, "freeze");
  EXPECT_EQ((*parseJson(heard[0].data))["act"]["reason"], "first");
  EXPECT_EQ(heard[1].kind, "audit");
  EXPECT_EQ(heard[2].kind, "flag");
  EXPECT_EQ(heard[0].id, "21");
  EXPECT_EQ(heard[2].id, "23");
}

TEST_F(EventsTest, ItGoesOnWhereItWas) {
  for (int i = 1; i <= 100; ++i) freeze(std::to_string(i));
  const auto all = listen("?after=0", 100);
  EXPECT_EQ(all->status(), 200);
  ASSERT_EQ(all->heard().size(), 100u);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(all->heard()[i].id, std::to_string(i + 1));
  const auto rest = listen("?after=10", 1, {{"Last-Event-ID", "98"}});
  EXPECT_EQ(rest->status(), 200);
  EXPECT_EQ(rest->heard()[0].id, "99") << "the header is newer than the address";
}

TEST_F(EventsTest, OnlyTheKindsThatAreAskedForCome) {
  const auto listener = listen("?kinds=flag,proxy", 1);
  freeze("not this one");
  EXPECT_EQ(post("/v1/kill", R"({"feature":"observe"})").status, 200);
  EXPECT_EQ(listener->status(), 200);
  EXPECT_EQ(listener->heard()[0].kind, "flag");
}

TEST_F(EventsTest, BadQuestionsAreRefused) {
  for (const char* query : {"?after=x", "?after=-1", "?kinds=everything", "?kinds=,"}) {
    EXPECT_EQ(get(std::string("/v1/events") + query).status, 400) << query;
  }
  EXPECT_EQ(send({.method = "HEAD", .target = "/v1/events"}).status, 200);
}

TEST_F(EventsTest, AProxyThatComesIsHeard) {
  ask("old-1");
  const auto listener = listen("?kinds=proxy", 1);
  // The first look with somebody there only learns whom there is.
  for (int i = 0; i < 1000 && listener->heard().empty(); ++i) {
    ask("new-" + std::to_string(i / 100));
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(listener->status(), 200);
  const Json::Value event = *parseJson(listener->heard().at(0).data);
  EXPECT_TRUE(event["proxy"].asString().starts_with("new-")) << writeJson(event);
  EXPECT_EQ(event["what"], "joined");
  EXPECT_TRUE(listener->heard()[0].id.empty()) << "it is in no log";
}

TEST_F(EventsTest, E14_WhoNeverReadsHoldsUpNobodyAndReadersAreCounted) {
  // Raw connections that ask and never read.
  std::vector<Descriptor> deaf;
  for (std::size_t i = 0; i + 2 < api::EventHub::kMostReaders; ++i) {
    Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    settings.socket.copy(address.sun_path, sizeof address.sun_path - 1);
    const int small = 4096;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string question = "GET /v1/events?after=0 HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_EQ(::send(fd.get(), question.data(), question.size(), MSG_NOSIGNAL), static_cast<ssize_t>(question.size()));
    deaf.push_back(std::move(fd));
  }
  const auto first = listen("?after=0", 200);
  const auto second = listen("?after=0", 200);
  EXPECT_EQ(get("/v1/events").status, 503) << "one more than there may be";
  const std::string reason(3000, 'x');
  const auto began = clock.now();
  for (int i = 0; i < 200; ++i) freeze(reason);
  EXPECT_EQ(first->status(), 200);
  EXPECT_EQ(second->status(), 200);
  EXPECT_EQ(first->heard().size(), 200u);
  EXPECT_LT(clock.now() - began, seconds(15));
}

TEST_F(EventsTest, AControllerThatEndsEndsItsStreams) {
  const auto listener = listen("", 1);
  const auto began = clock.now();
  stop();
  EXPECT_LT(clock.now() - began, seconds(3));
  EXPECT_EQ(listener->status(), 200) << "a whole body, not a cut one";
}

}  // namespace
}  // namespace loam
