#pragma once

#include <deque>

#include "proxy/filters/retries_filter.h"
#include "tests/proxy/filters/settings_table.h"
#include "tests/proxy/serve/serve_fixture.h"

namespace loam::serve {
inline constexpr std::string_view kGet = "GET /cart HTTP/1.1\r\nHost: shop\r\n\r\n";
inline constexpr std::string_view kPost = "POST /cart HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello";
inline constexpr std::string_view kPut = "PUT /cart HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello";
inline constexpr std::string_view kAnswered = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
inline constexpr std::string_view kDown = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\ndown";

class Dialled final : public Connection {
 public:
  explicit Dialled(std::unique_ptr<io::Socket> socket) : socket_(std::move(socket)) {}
  relay::Leg leg() const override { return *socket_; }
  bool isUsed() const override { return used; }

  bool used = false;

 private:
  std::unique_ptr<io::Socket> socket_;
};

/// A server that the proxy dialled in the course of an exchange.
struct Later {
  std::unique_ptr<io::Socket> socket;
  std::optional<SocketAddress> asked;  // where it was to be
  std::vector<std::uint8_t> heard;
  std::optional<Error> error;
  bool over = false;

  std::string text() const { return {heard.begin(), heard.end()}; }
};

/// A served connection whose exchanges may be sent again: the test plays every server that is dialled.
class ServeRepeatedTest : public ServeFixture, public Ways {
 protected:
  Ways& ways() override { return *this; }
  Way now() override {
    return {&filters, {.client = *SocketAddress::parse("10.0.0.7:40000"), .destination = {}, .caller = "web"}, {}};
  }
  io::Task<Result<std::unique_ptr<Connection>>> dial(std::optional<SocketAddress> to, bool fresh,
                                                     Monotonic deadline) override {
    dialFor = deadline - loop->now();
    if (to && !fresh && !kept.empty()) {
      auto again = std::move(kept.back());
      kept.pop_back();
      co_return std::move(again);
    }
    ++dials;
    if (refusals != 0) {
      --refusals;
      co_return fail(ErrorCode::Refused, "nobody is there", ErrorOrigin::Upstream);
    }
    auto [ours, theirs] = test::tcpPair(*loop);
    Later& one = later.emplace_back();
    one.socket = std::move(theirs);
    one.asked = to;
    if (!isDeaf) scope.spawn(receive(*one.socket, one.heard, one.error, one.over));
    co_return std::make_unique<Dialled>(std::move(ours));
  }
  void keep(std::unique_ptr<Connection> connection) override {
    static_cast<Dialled&>(*connection).used = true;
    kept.push_back(std::move(connection));
  }
  void retries(std::string_view json) {
    filters.push_back(std::make_unique<const filters::RetriesFilter>(filters::good<filters::RetriesSettings>(json),
                                                                     filters::ExchangeShare{}, budget));
  }
  /// The first server cuts the connection when it has heard `text`.
  void resetAfter(std::string_view text) {
    expectAtServer(text);
    relay::cut(*server);
  }
  /// The server that was dialled as the `index`-th hears just `text`, and answers.
  void answerFrom(std::size_t index, std::string_view text, std::string_view answer = kAnswered) {
    turnUntil([&] { return later.size() > index && later[index].heard.size() >= text.size(); });
    EXPECT_EQ(later[index].text(), text);
    say(*later[index].socket, answer);
  }
  std::string seenByTap() const { return {tap.seen[1].begin(), tap.seen[1].end()}; }

  filter::HttpFilters filters;
  std::shared_ptr<upstream::ServiceState> budget = std::make_shared<upstream::ServiceState>();
  std::deque<Later> later;
  std::vector<std::unique_ptr<Connection>> kept;
  bool isDeaf = false;  // servers that are dialled read nothing
  std::size_t dials = 0;
  nanoseconds dialFor{0};  // how long the last one may take
  std::size_t refusals = 0;
};

}  // namespace loam::serve
