#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "proxy/filter/http_filter.h"
#include "proxy/http/http1_head.h"
#include "proxy/io/task_scope.h"
#include "settings_table.h"

namespace loam::filters {

/// An exchange that a test makes up, and a server that answers it: "200 from the server".
class ExchangeFixture : public testing::Test, public filter::VerdictSink, public filter::Forward {
 protected:
  filter::Exchange exchange(std::string_view method, std::string_view path,
                            std::vector<http::HeaderField> headers = {}) {
    fields = std::move(headers);
    filter::Exchange made{*loop, *this, tally};
    made.connection = {.client = *SocketAddress::parse("10.0.0.7:40000"),
                       .destination = *SocketAddress::parse("10.0.0.2:8080"),
                       .vantage = relay::Vantage::Inbound,
                       .caller = caller};
    made.view.method = method;
    made.view.path = path;
    made.view.authority = http::find(fields, "host");
    made.view.headers = fields;
    made.began = loop->now();
    made.dice = dice;
    return made;
  }

  /// "server", "reset", or the status and cause of what the filter answers itself.
  std::string passes(const filter::HttpFilter& filter, filter::Exchange& one) {
    std::string outcome;
    io::TaskScope scope;
    scope.spawn(pass(filter, one, outcome));
    const Monotonic end = clock.now() + seconds(10);
    while (outcome.empty() && clock.now() < end) loop->turn(milliseconds(5));
    return outcome;
  }
  std::string passes(const filter::HttpFilter& filter, filter::Exchange&& one) { return passes(filter, one); }

  void onDenied(const filter::ConnectionView&, const filter::Verdict& verdict) override {
    told += std::string(verdict.rule) + (verdict.enforced ? " denied; " : " would be; ");
  }
  /// What comes of a sending.
  struct Outcome {
    std::uint16_t status = 200;
    std::optional<ErrorCode> error{};
    bool reached = true;
  };
  io::Task<Result<filter::Response>> forward(filter::Exchange& one) override {
    ++forwarded;
    servers.push_back(one.server);
    one.sending = {.reached = true, .repeatable = true};
    if (outcomes.empty()) co_return filter::Response{.status = 200};
    const Outcome next = outcomes.front();
    outcomes.pop_front();
    one.sending.reached = next.reached;
    if (next.error) co_return fail(*next.error, "said by the test", ErrorOrigin::Upstream);
    co_return filter::Response{.status = next.status};
  }

  SystemClock clock;
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  filter::Tally tally;
  std::vector<http::HeaderField> fields;
  std::string_view caller = "web";
  std::uint32_t dice = 0;
  std::string told;
  int forwarded = 0;
  std::deque<Outcome> outcomes;                       ///< of the next ones; then 200 for ever
  std::vector<std::optional<SocketAddress>> servers;  ///< who was asked instead of whom the client wanted to

 private:
  io::Task<void> pass(const filter::HttpFilter& filter, filter::Exchange& one, std::string& outcome) {
    const filter::Next next({}, *this);
    const auto response = co_await filter.handle(one, next);
    if (!response) {
      outcome = response.error().describe();
    } else if (response->from == filter::Response::From::Proxy) {
      outcome = std::to_string(response->own->status) + " " + response->own->cause;
    } else {
      outcome = response->from == filter::Response::From::Server ? "server" : "reset";
    }
  }
};

}  // namespace loam::filters
