#include "proxy/filters/rate_limit.h"

namespace loam::filters {

namespace {

constexpr std::int64_t kMostBurst = 1'000'000;

Word<RateLimit::Key> keys() {
  using Key = RateLimit::Key;
  return oneOf<Key>({{"all", Key::All},
                     {"caller", Key::Caller},
                     {"identity", Key::Identity},
                     {"address", Key::Address},
                     {"header", Key::Header}});
}

Word<RateLimitSettings::Scope> scopes() {
  return oneOf<RateLimitSettings::Scope>(
      {{"proxy", RateLimitSettings::Scope::Proxy}, {"service", RateLimitSettings::Scope::Service}});
}

}  // namespace

void CallerRate::describe(Form& form) {
  form.word("source", source, filters::source());
  form.word("rate", rate, filters::rate());
  form.integer("burst", burst, 1, kMostBurst);
  form.word("quota", quota, filters::quota());
  form.require("source");
  form.check(rate || quota, {}, "neither a rate nor a quota: nothing is limited");
  form.check(rate || !burst, {"burst"}, "a burst of no rate");
}

void RateLimit::describe(Form& form) {
  form.word("name", name, ruleName());
  form.object("match", match);
  form.word("key", key, keys());
  form.word("header", header, headerName());
  form.word("rate", rate, filters::rate());
  form.integer("burst", burst, 1, kMostBurst);
  form.word("quota", quota, filters::quota());
  form.objects("callers", callers, 1000);
  form.require("name");
  form.check(rate || quota || !callers.empty(), {}, "neither a rate nor a quota: nothing is limited");
  form.check(rate || !burst, {"burst"}, "a burst of no rate");
  form.check((key == Key::Header) == !header.empty(), {"header", "key"},
             "\"key\": \"header\" and the name of a header go together");
  form.check(callers.empty() || key == Key::Caller || key == Key::Identity, {"callers"},
             "callers have rates of their own only where the key is caller or identity");
}

void ConnectionCaps::describe(Form& form) {
  form.integer("total", total, 1, 1'000'000);
  form.integer("per_source", perSource, 1, 1'000'000);
  form.word("opens", opens, filters::rate());
  form.integer("burst", burst, 1, kMostBurst);
  form.check(total || perSource || opens, {}, "none of total, per_source and opens: nothing is limited");
  form.check(opens || !burst, {"burst"}, "a burst of no rate");
  form.check(!total || !perSource || *perSource <= *total, {"per_source"},
             "per_source is above total, and so never comes");
}

void RateLimitSettings::describe(Form& form) {
  form.objects("limits", limits, 200);
  form.object("connections", connections);
  form.word("scope", scope, scopes());
  form.boolean("headers", headers);
  form.distinct("limits", limits, "name", &RateLimit::name);
  form.checkInUse(actsOnExchanges() || actsOnConnections(), {"limits", "connections"},
                  "neither limits nor connections: nothing is limited");
}

}  // namespace loam::filters
