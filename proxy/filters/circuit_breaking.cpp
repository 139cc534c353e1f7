#include "proxy/filters/circuit_breaking.h"

#include "proxy/filters/words.h"

namespace loam::filters {

namespace {

Word<Ejection::Failure> failures() {
  using Failure = Ejection::Failure;
  return oneOf<Failure>({{"connect_failure", Failure::ConnectFailure},
                         {"reset", Failure::Reset},
                         {"timeout", Failure::Timeout},
                         {"gateway_error", Failure::GatewayError},
                         {"server_error", Failure::ServerError}});
}

}  // namespace

void ConcurrencyCaps::describe(Form& form) {
  constexpr std::int64_t kMost = 1'000'000;
  form.integer("connections", connections, 1, kMost);
  form.integer("requests", requests, 1, kMost);
  form.integer("pending", pending, 0, kMost);
  form.check(connections || requests || pending, {}, "none of connections, requests and pending: nothing is capped");
  form.check(!requests || !pending || *pending <= *requests, {"pending"},
             "pending is above requests, and so never comes");
}

void Ejection::describe(Form& form) {
  form.words("on", on, failures(), 5);
  form.integer("consecutive", consecutive, 1, 1000);
  form.integer("failure_percent", failurePercent, 1, 100);
  form.integer("least_exchanges", leastExchanges, 1, 100'000);
  form.duration("interval", interval, seconds(1), std::chrono::hours(1));
  form.duration("base", base, seconds(1), std::chrono::hours(1));
  form.duration("most", most, seconds(1), std::chrono::hours(24));
  form.integer("max_percent", maxPercent, 1, 100);
  form.check(base <= most, {"base", "most"}, "base is above most");
  form.check(failurePercent || !leastExchanges, {"least_exchanges"},
             "least_exchanges says something only with failure_percent");
}

void CircuitBreakingSettings::describe(Form& form) {
  form.object("caps", caps);
  form.object("ejection", ejection);
  form.checkInUse(caps || ejection, {"caps", "ejection"}, "neither caps nor ejection: nothing would ever break");
}

}  // namespace loam::filters
