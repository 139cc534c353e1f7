#pragma once

#include <json/value.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/clock.h"

namespace loam {

/// One thing that is wrong with a JSON document, and where (RFC 6901).
struct FieldProblem {
  std::string pointer;
  std::string detail;

  bool operator==(const FieldProblem&) const = default;
};

/// "/rules/0/to: expected ...; /x: ...": all of them in one line.
std::string text(const std::vector<FieldProblem>& problems);

/// An object of a JSON document, read strictly, as YamlMapping reads YAML: a member that is not among the known ones
/// (with the nearest name) is a problem, and so is a value of another kind than asked for or beyond its bounds. A read
/// that finds a problem notes it and gives nothing, like one that finds no such member: read all, then look at the
/// problems.
class Fields {
 public:
  using Names = std::initializer_list<std::string_view>;

  /// `problems` outlives the object; null reads as an empty object, anything else that is none is a problem.
  Fields(const Json::Value& object, std::string pointer, std::vector<FieldProblem>& problems, Names known);

  bool has(std::string_view name) const;
  /// Notes a problem when the member is absent.
  void require(std::string_view name);
  /// Notes a problem at the member, or at the object where there is none.
  void problem(std::string_view name, std::string detail);
  /// "" for the document itself, else "/a/0".
  const std::string& pointer() const { return pointer_; }

  std::optional<std::string> text(std::string_view name, std::size_t most = 1024);
  std::optional<std::string> oneOf(std::string_view name, Names allowed);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view name, double least, double most);
  std::optional<bool> boolean(std::string_view name);
  /// "250ms", "10s", "5m", "8h" or "7d": a whole number and a unit.
  std::optional<milliseconds> duration(std::string_view name, milliseconds least, milliseconds most);
  std::vector<std::string> texts(std::string_view name, std::size_t most = 1000);
  std::optional<Fields> object(std::string_view name, Names known);
  std::vector<Fields> objects(std::string_view name, Names known, std::size_t most = 1000);
  /// Members of an object whose names are free ("version": "v2"), as name and text.
  std::vector<std::pair<std::string, std::string>> labels(std::string_view name, std::size_t most = 64);

 private:
  const Json::Value* find(std::string_view name) const;

  const Json::Value* object_;
  std::string pointer_;
  std::vector<FieldProblem>* problems_;
};

/// The shortest text that Fields::duration reads back: 250ms, 10s, 5m, 8h, 7d.
std::string durationText(milliseconds time);

}  // namespace loam
