#include "proxy/filters/timeouts.h"

#include "proxy/filters/words.h"

namespace loam::filters {

void ExchangeTimeouts::describe(Form& form) {
  constexpr milliseconds kLeast{1};
  constexpr std::chrono::hours kMost{24};
  form.duration("request", request, kLeast, kMost);
  form.duration("response", response, kLeast, kMost);
  form.duration("idle", idle, kLeast, kMost);
  form.check(!request || !response || *response <= *request, {"response"},
             "response is above request, and so never comes");
  form.check(!request || !idle || *idle <= *request, {"idle"}, "idle is above request, and so never comes");
}

void TimeoutRule::describe(Form& form) {
  form.word("name", name, ruleName());
  form.object("match", match);
  timeouts.describe(form);
  form.require("name");
}

void TimeoutsSettings::describe(Form& form) {
  form.duration("connect", connect, milliseconds(1), std::chrono::minutes(5));
  timeouts.describe(form);
  form.objects("rules", rules, 200);
  form.boolean("grpc_timeout", grpcTimeout);
  form.check(!connect || !timeouts.request || *connect <= *timeouts.request, {"connect"},
             "connect is above request, and so never comes");
  form.distinct("rules", rules, "name", &TimeoutRule::name);
  checkReached(form, "rules", rules);
  form.checkInUse(connect || timeouts.any() || !rules.empty(), {},
                  "none of connect, request, response, idle and rules: nothing would time out");
}

}  // namespace loam::filters
