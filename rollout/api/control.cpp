#include "rollout/api/control.h"

#include "proxy/base/json.h"
#include "proxy/base/utf8.h"
#include "rollout/api/problem.h"
#include "rollout/api/times.h"

namespace loam::api {

Ask::Ask(const Call& call, std::string verb, std::vector<std::string_view> known) {
  const auto body = parseJson(call.request.body.empty() ? "{}" : call.request.body);
  body_ = body.value_or(Json::Value(Json::objectValue));
  known.insert(known.end(), {"reason", "ticket"});
  fields_.emplace(body_, "", problems_, known);
  if (!body) problems_.push_back({"", body.error().context});
  if (!isUtf8(call.request.body)) problems_.push_back({"", "expected UTF-8"});
  act_.who = call.caller.who;
  act_.via = call.caller.via;
  act_.verb = std::move(verb);
  act_.reason = fields_->text("reason", 4096).value_or("");
  act_.ticket = fields_->text("ticket", 256).value_or("");
}

void Ask::readTimes(const char* list, std::initializer_list<const char*> names, std::int64_t now) {
  if (!body_.isObject() || !body_[list].isArray()) return;
  for (Json::Value& item : body_[list]) {
    for (const char* name : names) {
      if (!item.isObject() || !item[name].isString()) continue;
      const std::string text = item[name].asString();
      const auto time = text == "never" ? Result<std::int64_t>(0) : parseTime(text, now);
      if (time) {
        item[name] = Json::Int64(*time);
      } else {
        problems_.push_back({std::string("/") + list, time.error().context});
      }
    }
  }
}

void Ask::requireReason() {
  if (act_.reason.empty()) fields_->problem("reason", "say why, for the audit log");
}

std::optional<http::Response> Ask::refuse() const {
  if (problems_.empty()) return std::nullopt;
  return problem(400, "invalid_argument", text(problems_), problems_);
}

http::Response problem(int status, std::string_view code, std::string_view detail,
                       const std::vector<FieldProblem>& problems) {
  Json::Value errors(Json::arrayValue);
  for (const FieldProblem& one : problems) {
    Json::Value entry(Json::objectValue);
    entry["pointer"] = one.pointer;
    entry["detail"] = one.detail;
    errors.append(std::move(entry));
  }
  return withMember(problem(status, code, detail), "errors", std::move(errors));
}

http::Response withMember(http::Response response, const char* name, Json::Value value) {
  auto body = parseJson(response.body);
  if (!body) return response;
  (*body)[name] = std::move(value);
  response.body = writeJson(*body);
  return response;
}

}  // namespace loam::api
