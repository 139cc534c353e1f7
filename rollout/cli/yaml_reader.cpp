#include "rollout/cli/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <utility>

#include "proxy/base/fields.h"

namespace loam::cli {

namespace {

constexpr std::size_t kMostBytes = 1024 * 1024;
constexpr std::size_t kMostParts = 200'000;  // aliases make few bytes many
constexpr int kMostDepth = 60;

template <class T>
std::optional<T> wholly(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Json::Value scalarOf(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;  // in quotes
  if (text.empty() || text == "~" || text == "null") return {};
  if (text == "true" || text == "false") return text == "true";
  if (const auto whole = wholly<std::int64_t>(text)) return Json::Int64(*whole);
  const bool looksLikeNumber = text.find_first_not_of("0123456789.eE+-") == std::string::npos;
  if (const auto number = wholly<double>(text); looksLikeNumber && number && std::isfinite(*number)) return *number;
  return text;
}

/// Turns one document, part by part.
class Reader {
 public:
  Reader(PlacedDocument& document, YamlProblems& problems) : document_(document), problems_(problems) {}

  Json::Value read(const YAML::Node& node, const std::string& pointer, int depth = 0) {
    document_.places.emplace(pointer, node.Mark());
    if (depth > kMostDepth || ++parts_ > kMostParts) {
      if (!std::exchange(tooMuch_, true)) problems_.add(node.Mark(), "too deep or too much for one document");
      return {};
    }
    if (node.IsMap()) return readMap(node, pointer, depth);
    if (node.IsSequence()) return readList(node, pointer, depth);
    return node.IsScalar() ? scalarOf(node) : Json::Value();
  }

 private:
  Json::Value readMap(const YAML::Node& node, const std::string& pointer, int depth) {
    Json::Value out(Json::objectValue);
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        problems_.add(entry.first.Mark(), "expected a key that is a plain name");
        continue;
      }
      const std::string& key = entry.first.Scalar();
      if (out.isMember(key)) {
        problems_.add(entry.first.Mark(), "the key " + inQuotes(key) + " stands here a second time");
        continue;
      }
      const std::string place = pointer + pointerStep(key);
      document_.places.emplace(place, entry.first.Mark());  // a key is where one looks for its value
      out[key] = read(entry.second, place, depth + 1);
    }
    return out;
  }

  Json::Value readList(const YAML::Node& node, const std::string& pointer, int depth) {
    Json::Value out(Json::arrayValue);
    for (const auto& item : node) out.append(read(item, pointer + "/" + std::to_string(out.size()), depth + 1));
    return out;
  }

  PlacedDocument& document_;
  YamlProblems& problems_;
  std::size_t parts_ = 0;
  bool tooMuch_ = false;
};

Result<std::string> contentsOf(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    errno = 0;
    file.open(path, std::ios::binary);
    if (!file) return fail(systemError(errno, "opening " + path));
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string text(kMostBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof())) return fail(ErrorCode::Io, "reading " + path + " failed");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace

YAML::Mark PlacedDocument::placeOf(std::string pointer) const {
  for (;;) {
    if (const auto found = places.find(pointer); found != places.end()) return found->second;
    if (pointer.empty()) return YAML::Mark::null_mark();
    pointer.resize(std::min(pointer.rfind('/'), pointer.size() - 1));
  }
}

Result<PlacedDocument> readYaml(const std::string& path, YamlProblems& problems) {
  const auto text = contentsOf(path);
  if (!text) return fail(text.error());
  PlacedDocument document;
  document.value = Json::Value(Json::objectValue);
  if (text->size() > kMostBytes) {
    problems.add(YAML::Mark(), "more than 1 MiB of YAML");
    return document;
  }
  try {
    const std::vector<YAML::Node> all = YAML::LoadAll(*text);
    if (all.size() > 1) problems.add(all[1].Mark(), "expected one document, found another");
    if (!all.empty() && !all[0].IsNull()) document.value = Reader(document, problems).read(all[0], "");
  } catch (const YAML::Exception& thrown) {
    problems.add(thrown.mark, "not YAML: " + thrown.msg);
  }
  return document;
}

}  // namespace loam::cli
