#include "proxy/filters/shadow.h"

#include "proxy/filters/words.h"

namespace loam::filters {

namespace {

/// What a comparison tells apart.
Word<Pattern> comparedField() {
  Word<Pattern> word = pattern();
  word.kind = "status, header:NAME or body:/POINTER, with stars";
  word.parse = [parse = word.parse](std::string_view text) -> std::optional<Pattern> {
    const bool known =
        text == "status" || (text.starts_with("header:") && text.size() > 7) || text.starts_with("body:/");
    return known ? parse(text) : std::nullopt;
  };
  return word;
}

Word<std::string> safeMethod() {
  return oneOf<std::string>({{"GET", "GET"}, {"HEAD", "HEAD"}, {"OPTIONS", "OPTIONS"}});
}

Word<std::string> unsafeMethod() {
  return oneOf<std::string>({{"POST", "POST"}, {"PUT", "PUT"}, {"PATCH", "PATCH"}, {"DELETE", "DELETE"}});
}

Word<Comparison::Body> bodyComparison() {
  return oneOf<Comparison::Body>(
      {{"auto", Comparison::Body::Auto}, {"hash", Comparison::Body::Hash}, {"none", Comparison::Body::None}});
}

}  // namespace

void IgnoredDifference::describe(Form& form) {
  form.word("field", field, comparedField());
  form.word("owner", owner, line(128));
  form.word("expires", expires, time());
  form.require("field");
  form.require("owner");
  form.require("expires");
}

void Comparison::describe(Form& form) {
  form.word("body", body, bodyComparison());
  form.number("replay", replay, 0, 0.1);
  form.objects("ignore", ignore, 1000);
}

void UnsafeRoute::describe(Form& form) {
  form.word("method", method, unsafeMethod());
  form.words("paths", paths, pathPattern(), 64);
  form.require("method");
  form.require("paths");
}

void ShadowSettings::describe(Form& form) {
  form.word("candidate", candidate, serviceName());
  form.map("labels", labels, label(), label(), 16);
  form.words("methods", methods, safeMethod(), 3, true);
  form.objects("unsafe_routes", unsafeRoutes, 100);
  form.boolean("sandbox", sandbox);
  form.boolean("forward_credentials", forwardCredentials);
  form.word("max_body", maxBody, size(0, 64 << 20));
  form.word("max_queue", maxQueue, size(64 << 10, 1 << 30));
  form.duration("timeout", timeout, milliseconds(10), std::chrono::minutes(5));
  form.object("compare", compare);
  form.requireInUse("candidate");
  form.check(unsafeRoutes.empty() || sandbox, {"unsafe_routes"},
             "a copy of these may change something: only where the candidate is a sandbox (\"sandbox\": true)");
  form.check(!methods.empty() || !unsafeRoutes.empty(), {"methods"}, "no method is left, so nothing would be copied");
  form.check(maxBody <= maxQueue, {"max_body", "max_queue"}, "one body may be longer than the whole queue");
}

}  // namespace loam::filters
