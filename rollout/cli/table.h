#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "rollout/cli/terminal.h"

namespace loam::cli {

/// Columns in line, two blanks apart, as wide as their widest cell. On a terminal that is too narrow the flexible ones
/// give way; elsewhere nothing is cut.
class Table {
 public:
  struct Column {
    std::string title;
    enum class Align { Left, Right } align = Align::Left;
    bool flexible = false;  ///< a name: may be cut to fit
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Cells are escaped here; missing ones are empty.
  void add(std::vector<std::string> cells);
  void print(const Terminal& terminal) const;
  std::size_t rows() const { return rows_.size(); }

 private:
  std::vector<std::size_t> widths(std::size_t room) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace loam::cli
