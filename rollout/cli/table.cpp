#include "rollout/cli/table.h"

#include <algorithm>
#include <numeric>

#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastFlexible = 12;

std::string padded(const std::string& cell, std::size_t width, bool right, bool last) {
  const std::size_t used = columns(cell);
  const std::string blanks(width > used ? width - used : 0, ' ');
  if (right) return blanks + cell;
  return last ? cell : cell + blanks;
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths(std::size_t room) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, columns(row[i]));
    widths.push_back(width);
  }
  if (room == 0) return widths;
  const auto total = [&] { return std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1)); };
  // The widest name gives way first, one column at a time.
  while (total() > room) {
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool mayShrink = columns_[i].flexible && widths[i] > kLeastFlexible;
      if (mayShrink && (widest == columns_.size() || widths[i] > widths[widest])) widest = i;
    }
    if (widest == columns_.size()) break;
    --widths[widest];
  }
  return widths;
}

void Table::print(const Terminal& terminal) const {
  const std::vector<std::size_t> width = widths(terminal.width);
  const auto line = [&](const auto& cellOf) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i != 0) text.append(kGap, ' ');
      const bool right = columns_[i].align == Column::Align::Right;
      text.append(padded(shortened(cellOf(i), width[i]), width[i], right, i + 1 == columns_.size()));
    }
    return text;
  };
  terminal.out << terminal.bold() << line([this](std::size_t i) { return columns_[i].title; }) << terminal.plain()
               << "\n";
  for (const auto& row : rows_) terminal.out << line([&row](std::size_t i) { return row[i]; }) << "\n";
}

}  // namespace loam::cli
