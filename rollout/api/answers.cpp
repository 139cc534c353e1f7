#include "rollout/api/answers.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "proxy/base/fields.h"
#include "proxy/base/sha256.h"
#include "rollout/api/problem.h"

namespace loam::api {

namespace {

constexpr std::size_t kLongestKey = 200;
constexpr std::size_t kMostHeaders = 8;

bool isKey(std::string_view key) {
  const auto shown = [](char c) { return c > ' ' && c <= '~'; };
  return key.size() <= kLongestKey && std::all_of(key.begin(), key.end(), shown);
}

http::Response replayed(http::Response response) {
  response.headers.emplace_back("Idempotent-Replayed", "true");
  return response;
}

}  // namespace

Json::Value Answers::toJson(const Answer& answer) {
  Json::Value out(Json::objectValue);
  out["at"] = Json::Int64(answer.at);
  out["print"] = answer.print;
  out["status"] = answer.response.status;
  out["body"] = answer.response.body;
  for (const auto& [name, value] : answer.response.headers) out["headers"][name] = value;
  return out;
}

Result<Answers::Answer> Answers::fromDocument(const audit::Document& document) {
  constexpr std::int64_t kLeast = 200;
  constexpr std::int64_t kLast = 299;
  std::vector<FieldProblem> problems;
  Fields fields(document.body, "", problems, {"at", "print", "status", "body", "headers"});
  Answer answer;
  answer.at = fields.integer("at", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
  answer.print = fields.text("print").value_or("");
  answer.response.status = static_cast<int>(fields.integer("status", kLeast, kLast).value_or(kLeast));
  answer.response.body = fields.text("body", kMostBytes).value_or("");
  answer.response.headers = fields.labels("headers", kMostHeaders);
  answer.isInLedger = true;
  answer.order = document.revision;
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, "answer " + document.key + ": " + text(problems));
  return answer;
}

Status Answers::load(const std::vector<audit::Document>& documents) {
  for (const audit::Document& document : documents) {
    if (document.kind != kAnswerKind) continue;
    auto answer = fromDocument(document);
    if (!answer) return fail(std::move(answer).error());
    bytes_ += answer->response.body.size();
    arrived_ = std::max(arrived_, answer->order);
    answers_.emplace(document.key, *std::move(answer));
  }
  return {};
}

http::Response Answers::once(const Call& call, Keep keep, const std::function<http::Response()>& act) {
  const std::string_view key = call.request.header("idempotency-key");
  if (key.empty()) return act();
  if (!isKey(key)) {
    return problem(400, "invalid_argument",
                   "Idempotency-Key: expected at most " + std::to_string(kLongestKey) + " printable characters");
  }
  const std::string_view path = call.request.path();
  const std::string_view query = std::string_view(call.request.target).substr(path.size());
  // Also by how he is known: another token of the same person may be bound to less.
  const std::string name = sha256Hex(call.caller.who + "\n" + call.caller.via + "\n" + call.request.method + " " +
                                     std::string(path) + "\n" + std::string(key));
  const std::string print = sha256Hex(std::string(query) + "\n" + call.request.body);
  const std::int64_t now = unixSeconds(clock_.wall());
  if (const auto known = answers_.find(name); known != answers_.end() && now - known->second.at < kKeptFor.count()) {
    if (known->second.print == print) return replayed(known->second.response);
    return problem(422, "key_reused", "this Idempotency-Key came with another request before");
  }
  http::Response response = act();
  if (response.status / 100 == 2) remember(name, {now, print, response}, keep);
  return response;
}

/// An answer that cannot be written is kept in memory: that it was done is not undone by it.
void Answers::remember(const std::string& name, Answer answer, Keep keep) {
  if (keep == Keep::Ledger) {
    const audit::Edit edit{std::string(kAnswerKind), name, std::nullopt, toJson(answer)};
    answer.isInLedger = store_.commit({&edit, 1}, std::nullopt).has_value();
  }
  answer.order = ++arrived_;
  Answer& place = answers_[name];
  bytes_ += answer.response.body.size();
  bytes_ -= place.response.body.size();
  place = std::move(answer);
}

void Answers::forget() {
  const std::int64_t last = unixSeconds(clock_.wall()) - kKeptFor.count();
  std::vector<std::pair<std::uint64_t, std::string>> oldest;  // first
  const bool tooMany = answers_.size() > kMost || bytes_ > kMostBytes;
  for (const auto& [name, answer] : answers_) {
    if (tooMany || answer.at <= last) oldest.emplace_back(answer.at <= last ? 0 : answer.order, name);
  }
  std::sort(oldest.begin(), oldest.end());
  std::vector<audit::Edit> edits;
  std::size_t many = answers_.size();
  std::size_t bytes = bytes_;
  std::vector<std::string> gone;
  for (const auto& [order, name] : oldest) {
    if (order != 0 && many <= kMost && bytes <= kMostBytes) break;
    const Answer& answer = answers_.at(name);
    if (answer.isInLedger) edits.push_back({std::string(kAnswerKind), name, std::nullopt, std::nullopt});
    bytes -= answer.response.body.size();
    --many;
    gone.push_back(name);
  }
  if (gone.empty()) return;
  if (!edits.empty() && !store_.commit(edits, std::nullopt)) return;  // tried again
  for (const std::string& name : gone) answers_.erase(name);
  bytes_ = bytes;
}

}  // namespace loam::api
