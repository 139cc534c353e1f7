#include "documentation.h"

#include <gtest/gtest.h>

#include <fstream>

#include "proxy/base/json.h"

namespace loam::features {

namespace {

void addRow(Section& section, const std::string& line) {
  const std::size_t end = line.find("` |");
  if (!line.starts_with("| `") || end == std::string::npos) return;
  const auto [row, fresh] = section.rows.emplace(line.substr(3, end - 3), line.substr(end + 2));
  EXPECT_TRUE(fresh) << row->first << " stands twice in a section of docs/features.md";
}

}  // namespace

std::map<std::string, Section> documentation() {
  std::ifstream file(LOAM_SOURCE_DIR "/docs/features.md");
  EXPECT_TRUE(file) << "docs/features.md cannot be read";
  std::map<std::string, Section> sections;
  Section* section = nullptr;
  std::string example;
  bool inExample = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) section = &sections[line.substr(3)];
    if (!section) continue;
    section->text += line + "\n";
    if (line == "```json") {
      inExample = true;
      example.clear();
    } else if (inExample && line == "```") {
      inExample = false;
      auto value = parseJson(example);
      EXPECT_TRUE(value) << example;
      section->examples.push_back(value.value_or(Json::Value()));
    } else if (inExample) {
      example += line + "\n";
    } else {
      addRow(*section, line);
    }
  }
  return sections;
}

}  // namespace loam::features
