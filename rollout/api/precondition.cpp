#include "rollout/api/precondition.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "proxy/base/fields.h"
#include "rollout/api/problem.h"
#include "rollout/audit/json_patch.h"

namespace loam::api {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The items of a header's list; commas inside quotes are a tag's own.
std::vector<std::string_view> items(std::string_view list) {
  std::vector<std::string_view> out;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size() && list[i] == '"') quoted = !quoted;
    if (i < list.size() && (list[i] != ',' || quoted)) continue;
    out.push_back(trimmed(list.substr(begin, i - begin)));
    begin = i + 1;
  }
  return out;
}

/// False for what is no entity tag.
bool readTag(std::string_view tag, Precondition& precondition) {
  const bool weak = tag.starts_with("W/");
  if (weak) tag.remove_prefix(2);
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') return false;
  tag = tag.substr(1, tag.size() - 2);
  if (tag.find('"') != std::string_view::npos) return false;
  std::uint64_t revision = 0;
  const auto [end, error] = std::from_chars(tag.data(), tag.data() + tag.size(), revision);
  const bool ours = error == std::errc() && end == tag.data() + tag.size();
  if (ours && !weak) precondition.revisions.push_back(revision);
  return true;
}

/// The pointers of everything that a merge patch says.
void leaves(const Json::Value& patch, const std::string& pointer, std::vector<std::string>& out) {
  if (!patch.isObject() || patch.empty()) return out.push_back(pointer);
  for (const std::string& name : patch.getMemberNames()) leaves(patch[name], pointer + pointerStep(name), out);
}

/// Half of a stage is not half of another one.
std::string_view asOne(std::string_view pointer) { return pointer == "/percent" ? "/stage" : pointer; }

bool isWithin(std::string_view pointer, std::string_view other) {
  return pointer.starts_with(other) && (pointer.size() == other.size() || pointer[other.size()] == '/');
}

}  // namespace

bool Precondition::admits(std::uint64_t current) const {
  return any || std::find(revisions.begin(), revisions.end(), current) != revisions.end();
}

tl::expected<Precondition, http::Response> preconditionOf(const http::Request& request) {
  Precondition precondition;
  const std::string_view given = trimmed(request.header("if-match"));
  if (given.empty()) {
    return tl::unexpected(
        problem(428, "precondition_required", "say by If-Match which revision you saw: the ETag of what you read"));
  }
  precondition.any = given == "*";
  for (const std::string_view tag : items(given)) {
    if (precondition.any || readTag(tag, precondition)) continue;
    return tl::unexpected(problem(400, "invalid_argument", "If-Match: expected an ETag like \"12\""));
  }
  for (const std::string_view preference : items(request.header("prefer")))
    precondition.merges |= preference == "merge";
  return precondition;
}

std::string etagOf(std::uint64_t revision) { return "\"" + std::to_string(revision) + "\""; }

http::Response at(std::uint64_t revision, const Json::Value& value) {
  http::Response response = ok(value);
  response.headers.emplace_back("ETag", etagOf(revision));
  return response;
}

Result<Past> pastOf(const audit::Ledger& ledger, std::string_view kind, const std::string& key, Json::Value current,
                    std::uint64_t revision) {
  constexpr std::size_t kPage = 1000;
  std::vector<audit::Event> newer;
  Past past;
  std::uint64_t after = 0;
  for (bool more = true; more;) {
    auto page = ledger.events({.after = after, .most = kPage, .kind = std::string(kind), .key = key});
    if (!page) return fail(std::move(page).error());
    more = page->size() == kPage;
    if (!page->empty()) past.last = page->back();
    if (!page->empty()) after = page->back().sequence;
    for (audit::Event& event : *page) {
      if (event.toRevision == 0 || event.toRevision > revision) newer.push_back(std::move(event));
    }
  }
  for (auto event = newer.rbegin(); event != newer.rend(); ++event) {
    auto before = audit::undoPatch(std::move(current), event->patch);
    if (!before) break;
    current = *std::move(before);
    if (event->fromRevision != revision) continue;
    past.body = std::move(current);
    break;
  }
  return past;
}

Json::Value fieldDiff(const Json::Value& before, const Json::Value& after) {
  Json::Value out(Json::arrayValue);
  const Json::Value* from = nullptr;
  const Json::Value patch = audit::diffJson(before, after);
  for (const Json::Value& step : patch) {
    if (step["op"] == "test") {
      from = &step["value"];
      continue;
    }
    Json::Value one = step;
    if (from != nullptr) one["from"] = *std::exchange(from, nullptr);
    out.append(std::move(one));
  }
  return out;
}

bool isDisjoint(const Json::Value& diff, const Json::Value& patch) {
  std::vector<std::string> mine;
  leaves(patch, "", mine);
  for (const Json::Value& step : diff) {
    const std::string path = step["path"].asString();
    const std::string_view theirs = asOne(path);
    const auto meets = [theirs](const std::string& pointer) {
      return isWithin(asOne(pointer), theirs) || isWithin(theirs, asOne(pointer));
    };
    if (std::any_of(mine.begin(), mine.end(), meets)) return false;
  }
  return true;
}

Json::Value mergePatch(Json::Value target, const Json::Value& patch) {
  if (!patch.isObject()) return patch;
  if (!target.isObject()) target = Json::Value(Json::objectValue);
  for (const std::string& name : patch.getMemberNames()) {
    if (patch[name].isNull()) {
      target.removeMember(name);
    } else {
      target[name] = mergePatch(target.get(name, Json::Value()), patch[name]);
    }
  }
  return target;
}

}  // namespace loam::api
