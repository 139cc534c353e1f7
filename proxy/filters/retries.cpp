#include "proxy/filters/retries.h"

#include <algorithm>

#include "proxy/filters/words.h"

namespace loam::filters {

namespace {

Word<RetriesSettings::On> conditions() {
  using On = RetriesSettings::On;
  return oneOf<On>({{"connect_failure", On::ConnectFailure},
                    {"refused_stream", On::RefusedStream},
                    {"reset", On::Reset},
                    {"timeout", On::Timeout},
                    {"gateway_error", On::GatewayError},
                    {"unavailable", On::Unavailable}});
}

/// Those of RFC 9110, 9.2.2: a POST is repeated only with a header that says it may be.
Word<std::string> idempotentMethod() {
  return oneOf<std::string>(
      {{"GET", "GET"}, {"HEAD", "HEAD"}, {"OPTIONS", "OPTIONS"}, {"PUT", "PUT"}, {"DELETE", "DELETE"}});
}

}  // namespace

void RetryBudget::describe(Form& form) {
  form.number("ratio", ratio, 0, 1);
  form.integer("min_per_second", minPerSecond, 0, 1000);
  form.duration("window", window, seconds(1), std::chrono::minutes(10));
  form.check(ratio > 0 || minPerSecond > 0, {"ratio", "min_per_second"},
             "a budget of nothing: no repeat would ever be sent");
}

void Backoff::describe(Form& form) {
  form.duration("base", base, milliseconds(1), seconds(30));
  form.duration("most", most, milliseconds(1), std::chrono::minutes(5));
  form.check(base <= most, {"base", "most"}, "base is above most");
}

void RetriesSettings::describe(Form& form) {
  form.integer("attempts", attempts, 1, 10);
  form.words("on", on, conditions(), 6, true);
  form.integers("statuses", statuses, 400, 599, 32);
  form.words("methods", methods, idempotentMethod(), 5, true);
  form.word("idempotency_header", idempotencyHeader, headerName());
  form.object("budget", budget);
  form.object("backoff", backoff);
  form.duration("per_try_timeout", perTryTimeout, milliseconds(1), std::chrono::hours(1));
  form.duration("total_timeout", totalTimeout, milliseconds(1), std::chrono::hours(24));
  form.word("max_body", maxBody, size(0, 1 << 20));
  form.object("match", match);
  const bool onTimeout = std::find(on.begin(), on.end(), On::Timeout) != on.end();
  form.check(!on.empty() || !statuses.empty(), {"on"}, "nothing is left to repeat on");
  form.check(!onTimeout || perTryTimeout, {"on"}, "a repeat on timeout needs a per_try_timeout");
  form.check(!perTryTimeout || !totalTimeout || *perTryTimeout <= *totalTimeout, {"per_try_timeout"},
             "per_try_timeout is above total_timeout, and so never comes");
}

}  // namespace loam::filters
