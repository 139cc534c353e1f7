#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/result.h"

namespace loam {

/// Everything that is wrong with one file, so that a person mends it in one go.
class YamlProblems {
 public:
  explicit YamlProblems(std::string file) : file_(std::move(file)) {}

  void add(const YAML::Mark& where, std::string what);
  bool empty() const { return problems_.empty(); }
  /// "FILE:LINE:COLUMN: what was expected" a line, by place; lines and columns count from 1.
  std::string text() const;
  /// Ok, or InvalidArgument with text().
  Status status() const;

 private:
  struct Problem {
    int line;
    int column;
    std::string what;
  };
  std::string file_;
  std::vector<Problem> problems_;
};

/// A mapping of a YAML file, read strictly: a key that is not among the known ones (with the nearest name) or that
/// stands twice is a problem, and so is a value of another kind than asked for. A read that finds a problem notes it
/// and gives nothing, like one that finds no such key: read all, then look at the problems.
class YamlMapping {
 public:
  using Keys = std::initializer_list<std::string_view>;

  /// `problems` outlives the mapping. A node that is no mapping is a problem and reads as an empty one.
  YamlMapping(YAML::Node node, YamlProblems& problems, Keys known);

  /// Reads one document of at most 1 MiB; an empty one is an empty mapping, a syntax error a problem.
  static YamlMapping parse(std::string_view text, YamlProblems& problems, Keys known);
  /// The same from a file. Fails when it cannot be read; what is wrong inside goes to `problems`.
  static Result<YamlMapping> load(const std::string& path, YamlProblems& problems, Keys known);

  bool has(std::string_view key) const { return find(key).has_value(); }
  /// Notes a problem when the key is absent.
  void require(std::string_view key);
  /// Notes a problem at the key's value, or at the mapping where it has none.
  void problem(std::string_view key, std::string what);

  std::optional<std::string> text(std::string_view key);
  std::optional<std::string> oneOf(std::string_view key, Keys allowed);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view key, double least, double most);
  std::optional<bool> boolean(std::string_view key);
  /// "10.0.0.1:80" or "[::1]:80".
  std::optional<SocketAddress> address(std::string_view key);
  /// A list of texts; one text alone is a list of one. Empty when absent.
  std::vector<std::string> texts(std::string_view key);
  std::optional<YamlMapping> mapping(std::string_view key, Keys known);
  /// A list of mappings; empty when absent.
  std::vector<YamlMapping> mappings(std::string_view key, Keys known);
  /// The keys as written, in order: for mappings whose keys are names (read with no known keys).
  std::vector<std::string> keys() const;

 private:
  std::optional<YAML::Node> find(std::string_view key) const;
  std::optional<std::string> scalar(std::string_view key, const char* expected);

  YAML::Node node_;
  YamlProblems* problems_;
};

}  // namespace loam
