#pragma once

#include <json/value.h>

#include <map>
#include <string>
#include <vector>

namespace loam::features {

/// One "## NAME" section of docs/features.md.
struct Section {
  std::string text;
  std::map<std::string, std::string> rows;  ///< of its tables: first cell without its backticks -> the cells behind it
  std::vector<Json::Value> examples;        ///< its json blocks, in order
};

/// docs/features.md by section. Fails the test where it cannot be read.
std::map<std::string, Section> documentation();

}  // namespace loam::features
