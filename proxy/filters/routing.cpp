#include "proxy/filters/routing.h"

#include <algorithm>
#include <set>

#include "proxy/filters/words.h"

namespace loam::filters {

namespace {

Word<StickyKey::By> stickyKeys() {
  using By = StickyKey::By;
  return oneOf<By>({{"cookie", By::Cookie}, {"header", By::Header}, {"query", By::Query}, {"source", By::Source}});
}

Word<std::string> socketAddress() {
  Word<std::string> word = line(64);
  word.kind = "an address and a port like 10.8.0.5:8080 or [::1]:8080";
  word.parse = [](std::string_view text) -> std::optional<std::string> {
    const auto address = SocketAddress::parse(text);
    if (!address || address->port == 0) return std::nullopt;
    return address->text();
  };
  return word;
}

}  // namespace

void Destination::describe(Form& form) {
  form.word("service", service, serviceName());
  form.map("labels", labels, label(), label(), 16);
  form.integer("weight", weight, 0, 10'000);
}

void RoutingRule::describe(Form& form) {
  form.word("name", name, ruleName());
  form.object("match", match);
  form.objects("to", to, 16);
  form.require("name");
  form.require("to");
  form.check(std::any_of(to.begin(), to.end(), [](const Destination& one) { return one.weight > 0; }), {"to"},
             "no destination has a weight above 0, so that none gets anything");
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen;
  for (std::size_t i = 0; i < to.size(); ++i) {
    form.check(seen.insert({to[i].service, to[i].labels}).second, {"to/" + std::to_string(i)},
               "this destination stands here a second time");
  }
}

void StickyKey::describe(Form& form) {
  form.word("by", by, stickyKeys());
  form.word("name", name, line(128));
  form.duration("life", life, seconds(1), std::chrono::days(90));
  form.require("by");
  form.check((by == By::Source) == name.empty(), {"name", "by"},
             "a cookie, header or query parameter has a name, a source has none");
  form.check(by == By::Cookie || !life, {"life"}, "only a cookie has a life");
}

void DeveloperOverride::describe(Form& form) {
  form.word("owner", owner, line(128));
  form.word("header", header, headerName());
  form.word("value", value, line(128));
  form.word("address", address, socketAddress());
  form.word("expires", expires, time());
  for (const Form::Name name : {"owner", "header", "value", "address", "expires"}) form.require(name);
}

void RoutingSettings::describe(Form& form) {
  form.objects("rules", rules, 200);
  form.object("sticky", sticky);
  form.objects("overrides", overrides, 100);
  form.distinct("rules", rules, "name", &RoutingRule::name);
  checkReached(form, "rules", rules);
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    if (overrides[i].header.empty() || overrides[i].value.empty()) continue;
    form.check(seen.insert({overrides[i].header, overrides[i].value}).second,
               {"overrides/" + std::to_string(i) + "/value"}, "an earlier override has the same header and value");
  }
  form.checkInUse(!rules.empty() || !overrides.empty(), {"rules", "overrides"},
                  "neither rules nor overrides: everything would go where it goes already");
}

}  // namespace loam::filters
