#pragma once

#include <json/value.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/base/clock.h"

namespace loam {

/// One thing that is wrong with a JSON document, and where (RFC 6901).
struct FieldProblem {
  std::string pointer;
  std::string detail;

  bool operator==(const FieldProblem&) const = default;
};

/// "/rules/0/to: expected ...; /x: ...": all of them in one line, safe for a terminal.
std::string text(const std::vector<FieldProblem>& problems);

/// One step of a pointer: "/" and the name, with '~' and '/' escaped.
std::string pointerStep(std::string_view name);

/// A value as a message shows it: in quotes, escaped, cut after 80 bytes.
std::string inQuotes(std::string_view value);

/// What a text of some kind means: a method, an address, a size. `write` gives the one text that stands for a value.
template <class T>
struct Word {
  std::string kind;  ///< follows "expected": "a method like GET"
  std::function<std::optional<T>(std::string_view)> parse;
  std::function<std::string(const T&)> write;
};

/// An object of a JSON document, read strictly, as YamlMapping reads YAML: a member that is not among the known ones
/// (with the nearest name) is a problem, and so is a value of another kind than asked for or beyond its bounds. A read
/// that finds a problem notes it and gives nothing, like one that finds no such member: read all, then look at the
/// problems. Null is the same as absent.
class Fields {
 public:
  using Names = std::vector<std::string_view>;

  /// Beyond these, one more problem says that there are more.
  static constexpr std::size_t kMostProblems = 100;

  /// `object` and `problems` outlive this; null reads as an empty object, anything else that is none is a problem.
  Fields(const Json::Value& object, std::string pointer, std::vector<FieldProblem>& problems, const Names& known);

  /// False for what stands in place of an object; it reads as an empty one, and its one problem was noted.
  bool isObject() const { return object_->isObject() || object_->isNull(); }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// Notes a problem when the member is absent.
  void require(std::string_view name);
  /// Notes a problem at the member, or at the object where there is none.
  void problem(std::string_view name, std::string detail);
  /// Notes a problem at a pointer that goes on from this object's: "/rules/3/name"; empty for the object.
  void problemBelow(std::string_view pointer, std::string detail);
  /// "" for the document itself, else "/a/0".
  const std::string& pointer() const { return pointer_; }
  std::size_t problems() const { return problems_->size(); }
  /// Whether a problem was noted at this object or below it.
  bool isBroken() const;

  std::optional<std::string> text(std::string_view name, std::size_t most = 1024);
  std::optional<std::string> oneOf(std::string_view name, const Names& allowed);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view name, double least, double most);
  std::optional<bool> boolean(std::string_view name);
  /// "250ms", "10s", "5m", "8h" or "7d": a whole number and a unit.
  std::optional<milliseconds> duration(std::string_view name, milliseconds least, milliseconds most);
  std::vector<std::string> texts(std::string_view name, std::size_t most = 1000);
  std::vector<std::int64_t> integers(std::string_view name, std::int64_t leastValue, std::int64_t mostValue,
                                     std::size_t most = 1000);
  template <class T>
  std::optional<T> word(std::string_view name, const Word<T>& word);
  /// A list of words of which none stands twice.
  template <class T>
  std::vector<T> words(std::string_view name, const Word<T>& word, std::size_t most = 1000);
  std::optional<Fields> object(std::string_view name, const Names& known);
  /// One for each item; an item that is no object is a problem and reads as an empty one.
  std::vector<Fields> objects(std::string_view name, const Names& known, std::size_t most = 1000);
  /// The member as it is, for its owner to read; an empty object when absent.
  Json::Value value(std::string_view name) const;
  /// Members of an object whose names are free ("version": "v2"), as name and text, by name.
  std::vector<std::pair<std::string, std::string>> labels(std::string_view name, std::size_t most = 64);

 private:
  const Json::Value* find(std::string_view name) const;
  void expected(const std::string& pointer, const std::string& what, const Json::Value& found);
  /// The items of a list, with the pointer of each; none where it is no list or has more than `most`.
  std::vector<std::pair<const Json::Value*, std::string>> items(std::string_view name, std::size_t most);
  /// The text items of a list, with the pointer of each.
  std::vector<std::pair<std::string, std::string>> textItems(std::string_view name, std::size_t most);
  void note(std::string pointer, std::string detail);

  const Json::Value* object_;
  std::string pointer_;
  std::vector<FieldProblem>* problems_;
};

/// "a duration from 1ms to 7d".
std::string durationKind(milliseconds least, milliseconds most);
/// "a whole number from 1 to 64".
std::string integerKind(std::int64_t least, std::int64_t most);
/// "a number from 0 to 0.5".
std::string numberKind(double least, double most);

/// The shortest text that Fields::duration reads back: 250ms, 10s, 5m, 8h, 7d.
std::string durationText(milliseconds time);

template <class T>
std::optional<T> Fields::word(std::string_view name, const Word<T>& word) {
  constexpr std::size_t kMostBytes = 1 << 20;  // a word knows its own bound
  const auto given = text(name, kMostBytes);
  if (!given) return std::nullopt;
  auto value = word.parse(*given);
  if (!value) problem(name, "expected " + word.kind + ", found " + inQuotes(*given));
  return value;
}

template <class T>
std::vector<T> Fields::words(std::string_view name, const Word<T>& word, std::size_t most) {
  std::vector<T> values;
  std::vector<std::string> seen;
  for (const auto& [given, where] : textItems(name, most)) {
    auto value = word.parse(given);
    if (!value) {
      note(where, "expected " + word.kind + ", found " + inQuotes(given));
      continue;
    }
    std::string written = word.write(*value);
    if (std::find(seen.begin(), seen.end(), written) != seen.end()) {
      note(where, inQuotes(written) + " stands here a second time");
      continue;
    }
    seen.push_back(std::move(written));
    values.push_back(std::move(*value));
  }
  return values;
}

}  // namespace loam
