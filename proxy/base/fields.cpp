#include "proxy/base/fields.h"

#include <array>
#include <charconv>
#include <sstream>

#include "proxy/base/json.h"
#include "proxy/base/log.h"
#include "proxy/base/nearest.h"

namespace loam {

namespace {

constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

std::string listed(const Fields::Names& names) {
  std::string text;
  for (const std::string_view name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

/// What stands where something else was expected.
std::string shown(const Json::Value& value) {
  if (value.isString()) return inQuotes(value.asString());
  if (value.isArray()) return "a list";
  if (value.isObject()) return "an object";
  return writeJson(value);
}

std::string unknownMember(const std::string& name, const Fields::Names& known) {
  if (known.empty()) return "unknown member " + inQuotes(name) + "; none is known here";
  const std::vector<std::string> names(known.begin(), known.end());
  const std::string hint = didYouMean(name, names);
  return "unknown member " + inQuotes(name) + (hint.empty() ? "; expected one of " + listed(known) : hint);
}

std::optional<milliseconds> parseDuration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || text.front() == '-') return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const auto& [name, length] : kUnits) {
    if (unit != name) continue;
    if (count > milliseconds::max().count() / length) return std::nullopt;
    return milliseconds(count * length);
  }
  return std::nullopt;
}

}  // namespace

std::string text(const std::vector<FieldProblem>& problems) {
  std::string all;
  for (const FieldProblem& problem : problems) {
    all.append(all.empty() ? "" : "; ");
    if (!problem.pointer.empty()) all.append(escapeForTerminal(problem.pointer)).append(": ");
    all.append(problem.detail);
  }
  return all;
}

std::string pointerStep(std::string_view name) {
  std::string step = "/";
  for (const char c : name) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else {
      step += c;
    }
  }
  return step;
}

std::string inQuotes(std::string_view value) { return "\"" + escapeForTerminal(value.substr(0, 80)) + "\""; }

std::string durationText(milliseconds time) {
  if (time.count() == 0) return "0s";
  for (const auto& [name, length] : kUnits) {
    if (time.count() % length == 0) return std::to_string(time.count() / length).append(name);
  }
  return {};
}

std::string durationKind(milliseconds least, milliseconds most) {
  return "a duration from " + durationText(least) + " to " + durationText(most);
}

std::string integerKind(std::int64_t least, std::int64_t most) {
  return "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
}

std::string numberKind(double least, double most) {
  std::ostringstream kind;
  kind << "a number from " << least << " to " << most;
  return kind.str();
}

Fields::Fields(const Json::Value& object, std::string pointer, std::vector<FieldProblem>& problems, const Names& known)
    : object_(&object), pointer_(std::move(pointer)), problems_(&problems) {
  if (object.isNull()) return;
  if (!object.isObject()) {
    expected(pointer_, known.empty() ? "an object" : "an object of " + listed(known), object);
    return;
  }
  for (const std::string& name : object.getMemberNames()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    note(pointer_ + pointerStep(name), unknownMember(name, known));
  }
}

const Json::Value* Fields::find(std::string_view name) const {
  if (!object_->isObject()) return nullptr;
  const Json::Value* value = object_->find(name.data(), name.data() + name.size());
  return value && !value->isNull() ? value : nullptr;
}

void Fields::note(std::string pointer, std::string detail) {
  if (problems_->size() < kMostProblems) {
    problems_->push_back({std::move(pointer), std::move(detail)});
  } else if (problems_->size() == kMostProblems) {
    problems_->push_back({"", "and more than these " + std::to_string(kMostProblems) + " problems"});
  }
}

bool Fields::isBroken() const {
  return std::any_of(problems_->begin(), problems_->end(), [this](const FieldProblem& problem) {
    return problem.pointer == pointer_ || problem.pointer.starts_with(pointer_ + "/");
  });
}

void Fields::expected(const std::string& pointer, const std::string& what, const Json::Value& found) {
  note(pointer, "expected " + what + ", found " + shown(found));
}

void Fields::require(std::string_view name) {
  if (isObject() && !has(name)) note(pointer_, "the member " + inQuotes(name) + " is missing");
}

void Fields::problem(std::string_view name, std::string detail) {
  note(has(name) ? pointer_ + pointerStep(name) : pointer_, std::move(detail));
}

void Fields::problemBelow(std::string_view pointer, std::string detail) {
  note(pointer_ + std::string(pointer), std::move(detail));
}

Json::Value Fields::value(std::string_view name) const {
  const Json::Value* value = find(name);
  return value != nullptr ? *value : Json::Value(Json::objectValue);
}

std::optional<std::string> Fields::text(std::string_view name, std::size_t most) {
  const Json::Value* value = find(name);
  if (!value) return std::nullopt;
  if (!value->isString()) {
    expected(pointer_ + pointerStep(name), "a text", *value);
    return std::nullopt;
  }
  std::string text = value->asString();
  if (text.size() <= most) return text;
  problem(name, "expected a text of at most " + std::to_string(most) + " bytes, found " + std::to_string(text.size()));
  return std::nullopt;
}

std::optional<std::string> Fields::oneOf(std::string_view name, const Names& allowed) {
  const Json::Value* value = find(name);
  if (!value) return std::nullopt;
  if (value->isString() && std::find(allowed.begin(), allowed.end(), value->asString()) != allowed.end()) {
    return value->asString();
  }
  expected(pointer_ + pointerStep(name), "one of " + listed(allowed), *value);
  return std::nullopt;
}

std::optional<std::int64_t> Fields::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  const Json::Value* value = find(name);
  if (!value) return std::nullopt;
  if (value->isInt64() && value->asInt64() >= least && value->asInt64() <= most) return value->asInt64();
  expected(pointer_ + pointerStep(name), integerKind(least, most), *value);
  return std::nullopt;
}

std::optional<double> Fields::number(std::string_view name, double least, double most) {
  const Json::Value* value = find(name);
  if (!value) return std::nullopt;
  if (value->isNumeric() && value->asDouble() >= least && value->asDouble() <= most) return value->asDouble();
  expected(pointer_ + pointerStep(name), numberKind(least, most), *value);
  return std::nullopt;
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const Json::Value* value = find(name);
  if (!value) return std::nullopt;
  if (value->isBool()) return value->asBool();
  expected(pointer_ + pointerStep(name), "true or false", *value);
  return std::nullopt;
}

std::optional<milliseconds> Fields::duration(std::string_view name, milliseconds least, milliseconds most) {
  const Json::Value* value = find(name);
  if (!value) return std::nullopt;
  const auto time = value->isString() && !value->asString().empty() ? parseDuration(value->asString()) : std::nullopt;
  if (time && *time >= least && *time <= most) return time;
  expected(pointer_ + pointerStep(name), durationKind(least, most), *value);
  return std::nullopt;
}

std::vector<std::pair<const Json::Value*, std::string>> Fields::items(std::string_view name, std::size_t most) {
  const Json::Value* value = find(name);
  if (!value) return {};
  const std::string pointer = pointer_ + pointerStep(name);
  std::vector<std::pair<const Json::Value*, std::string>> all;
  if (!value->isArray()) {
    expected(pointer, "a list", *value);
  } else if (value->size() > most) {
    note(pointer, "expected at most " + std::to_string(most) + " items, found " + std::to_string(value->size()));
  } else {
    for (Json::ArrayIndex i = 0; i < value->size(); ++i)
      all.emplace_back(&(*value)[i], pointer + "/" + std::to_string(i));
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> Fields::textItems(std::string_view name, std::size_t most) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [value, where] : items(name, most)) {
    if (value->isString()) {
      all.emplace_back(value->asString(), where);
    } else {
      expected(where, "a text", *value);
    }
  }
  return all;
}

std::vector<std::string> Fields::texts(std::string_view name, std::size_t most) {
  std::vector<std::string> all;
  for (auto& [value, where] : textItems(name, most)) all.push_back(std::move(value));
  return all;
}

std::vector<std::int64_t> Fields::integers(std::string_view name, std::int64_t leastValue, std::int64_t mostValue,
                                           std::size_t most) {
  std::vector<std::int64_t> all;
  for (const auto& [value, where] : items(name, most)) {
    if (!value->isInt64() || value->asInt64() < leastValue || value->asInt64() > mostValue) {
      expected(where, integerKind(leastValue, mostValue), *value);
    } else if (std::find(all.begin(), all.end(), value->asInt64()) != all.end()) {
      note(where, value->asString() + " stands here a second time");
    } else {
      all.push_back(value->asInt64());
    }
  }
  return all;
}

std::optional<Fields> Fields::object(std::string_view name, const Names& known) {
  const Json::Value* value = find(name);
  if (!value) return std::nullopt;
  Fields fields(*value, pointer_ + pointerStep(name), *problems_, known);
  if (!value->isObject()) return std::nullopt;
  return fields;
}

std::vector<Fields> Fields::objects(std::string_view name, const Names& known, std::size_t most) {
  std::vector<Fields> all;
  for (auto& [value, where] : items(name, most)) all.emplace_back(*value, where, *problems_, known);
  return all;
}

std::vector<std::pair<std::string, std::string>> Fields::labels(std::string_view name, std::size_t most) {
  const Json::Value* value = find(name);
  if (!value) return {};
  const std::string pointer = pointer_ + pointerStep(name);
  std::vector<std::pair<std::string, std::string>> all;
  if (!value->isObject()) {
    expected(pointer, "an object", *value);
  } else if (value->size() > most) {
    note(pointer, "expected at most " + std::to_string(most) + " members, found " + std::to_string(value->size()));
  } else {
    for (const std::string& key : value->getMemberNames()) {
      const Json::Value& label = (*value)[key];
      if (label.isString()) {
        all.emplace_back(key, label.asString());
      } else if (!label.isNull()) {
        expected(pointer + pointerStep(key), "a text", label);
      }
    }
  }
  return all;
}

}  // namespace loam
