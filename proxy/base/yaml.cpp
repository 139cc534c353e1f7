#include "proxy/base/yaml.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <tuple>

#include "proxy/base/log.h"
#include "proxy/base/nearest.h"

namespace loam {

namespace {

constexpr std::size_t kMostBytes = 1024 * 1024;

std::string listed(YamlMapping::Keys names) {
  std::string text;
  for (const std::string_view name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

std::string shown(std::string_view value) { return "\"" + escapeForTerminal(value.substr(0, 80)) + "\""; }

/// Parses the whole of `text` as T, sign allowed, nothing left over.
template <class T>
std::optional<T> wholly(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void YamlProblems::add(const YAML::Mark& where, std::string what) {
  problems_.push_back({where.is_null() ? 1 : where.line + 1, where.is_null() ? 1 : where.column + 1, std::move(what)});
}

std::string YamlProblems::text() const {
  auto sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  std::string text;
  for (const Problem& problem : sorted) {
    text.append(text.empty() ? "" : "\n").append(file_).append(":").append(std::to_string(problem.line));
    text.append(":").append(std::to_string(problem.column)).append(": ").append(problem.what);
  }
  return text;
}

Status YamlProblems::status() const {
  if (empty()) return {};
  return fail(ErrorCode::InvalidArgument, text());
}

YamlMapping::YamlMapping(YAML::Node node, YamlProblems& problems, Keys known) : node_(node), problems_(&problems) {
  if (node_.IsNull()) return;
  if (!node_.IsMap()) {
    problems.add(node_.Mark(), "expected a mapping" + (known.size() ? " of " + listed(known) : std::string()));
    return;
  }
  std::vector<std::string> names(known.begin(), known.end());
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) {
      problems.add(entry.first.Mark(), "expected a key that is a plain name");
      continue;
    }
    const std::string& key = entry.first.Scalar();
    if (!seen.insert(key).second) {
      problems.add(entry.first.Mark(), "the key " + shown(key) + " stands here a second time");
    } else if (known.size() != 0 && std::find(names.begin(), names.end(), key) == names.end()) {
      const std::string hint = didYouMean(key, names);
      problems.add(entry.first.Mark(),
                   "unknown key " + shown(key) + (hint.empty() ? "; expected one of " + listed(known) : hint));
    }
  }
}

YamlMapping YamlMapping::parse(std::string_view text, YamlProblems& problems, Keys known) {
  if (text.size() > kMostBytes) {
    problems.add(YAML::Mark(), "more than 1 MiB of YAML");
    return {YAML::Node(), problems, known};
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) problems.add(documents[1].Mark(), "expected one document, found another");
    return {documents.empty() ? YAML::Node() : documents[0], problems, known};
  } catch (const YAML::Exception& thrown) {
    problems.add(thrown.mark, "not YAML: " + thrown.msg);
    return {YAML::Node(), problems, known};
  }
}

Result<YamlMapping> YamlMapping::load(const std::string& path, YamlProblems& problems, Keys known) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(systemError(errno, "opening " + path));
  std::string text(kMostBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) return fail(ErrorCode::Io, "reading " + path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse(text, problems, known);
}

std::optional<YAML::Node> YamlMapping::find(std::string_view key) const {
  if (!node_.IsMap()) return std::nullopt;
  for (const auto& entry : node_) {
    if (entry.first.IsScalar() && entry.first.Scalar() == key) {
      if (entry.second.IsNull()) return std::nullopt;
      return entry.second;
    }
  }
  return std::nullopt;
}

void YamlMapping::require(std::string_view key) {
  if (!has(key)) problem(key, "the key \"" + std::string(key) + "\" is missing");
}

void YamlMapping::problem(std::string_view key, std::string what) {
  const auto value = find(key);
  problems_->add(value ? value->Mark() : node_.Mark(), std::move(what));
}

std::optional<std::string> YamlMapping::scalar(std::string_view key, const char* expected) {
  const auto value = find(key);
  if (!value) return std::nullopt;
  if (value->IsScalar()) return value->Scalar();
  problem(key, std::string(key) + ": expected " + expected);
  return std::nullopt;
}

std::optional<std::string> YamlMapping::text(std::string_view key) { return scalar(key, "a text"); }

std::optional<std::string> YamlMapping::oneOf(std::string_view key, Keys allowed) {
  const std::string expected = "one of " + listed(allowed);
  auto value = scalar(key, expected.c_str());
  if (!value || std::find(allowed.begin(), allowed.end(), *value) != allowed.end()) return value;
  problem(key, std::string(key) + ": expected " + expected + ", found " + shown(*value));
  return std::nullopt;
}

std::optional<std::int64_t> YamlMapping::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  const std::string expected = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  const auto value = scalar(key, expected.c_str());
  if (!value) return std::nullopt;
  const auto number = wholly<std::int64_t>(*value);
  if (number && *number >= least && *number <= most) return number;
  problem(key, std::string(key) + ": expected " + expected + ", found " + shown(*value));
  return std::nullopt;
}

std::optional<double> YamlMapping::number(std::string_view key, double least, double most) {
  std::ostringstream expected;
  expected << "a number from " << least << " to " << most;
  const auto value = scalar(key, expected.str().c_str());
  if (!value) return std::nullopt;
  const auto number = wholly<double>(*value);
  if (number && std::isfinite(*number) && *number >= least && *number <= most) return number;
  problem(key, std::string(key) + ": expected " + expected.str() + ", found " + shown(*value));
  return std::nullopt;
}

std::optional<bool> YamlMapping::boolean(std::string_view key) {
  const auto value = scalar(key, "true or false");
  if (!value) return std::nullopt;
  if (*value == "true") return true;
  if (*value == "false") return false;
  problem(key, std::string(key) + ": expected true or false, found " + shown(*value));
  return std::nullopt;
}

std::optional<SocketAddress> YamlMapping::address(std::string_view key) {
  const auto value = scalar(key, "an address and a port like 127.0.0.1:7402");
  if (!value) return std::nullopt;
  if (const auto parsed = SocketAddress::parse(*value)) return *parsed;
  problem(key, std::string(key) + ": expected an address and a port like 127.0.0.1:7402 or [::1]:7402, found " +
                   shown(*value));
  return std::nullopt;
}

std::vector<std::string> YamlMapping::texts(std::string_view key) {
  const auto value = find(key);
  if (!value) return {};
  if (value->IsScalar()) return {value->Scalar()};
  std::vector<std::string> out;
  if (!value->IsSequence()) {
    problem(key, std::string(key) + ": expected a list of texts");
    return out;
  }
  for (const auto& item : *value) {
    if (item.IsScalar()) {
      out.push_back(item.Scalar());
    } else {
      problems_->add(item.Mark(), std::string(key) + ": expected a text");
    }
  }
  return out;
}

std::optional<YamlMapping> YamlMapping::mapping(std::string_view key, Keys known) {
  const auto value = find(key);
  if (!value) return std::nullopt;
  return YamlMapping(*value, *problems_, known);
}

std::vector<YamlMapping> YamlMapping::mappings(std::string_view key, Keys known) {
  const auto value = find(key);
  std::vector<YamlMapping> out;
  if (!value) return out;
  if (!value->IsSequence()) {
    problem(key, std::string(key) + ": expected a list of mappings");
    return out;
  }
  for (const auto& item : *value) out.emplace_back(item, *problems_, known);
  return out;
}

std::vector<std::string> YamlMapping::keys() const {
  std::vector<std::string> out;
  if (!node_.IsMap()) return out;
  for (const auto& entry : node_) {
    if (entry.first.IsScalar()) out.push_back(entry.first.Scalar());
  }
  return out;
}

}  // namespace loam
