#include "documentation.h"

#include <gtest/gtest.h>

#include <set>

#include "proxy/base/json.h"
#include "rollout/features/feature.h"

namespace loam::features {
namespace {

const std::string kShared = "Matches";

/// "off → simulate* → enforce, % of source": how the page writes a ladder.
std::string ladderLine(const Feature& feature) {
  std::string line;
  for (const Stage& stage : feature.ladder) {
    line.append(line.empty() ? "" : " → ").append(stage.name).append(stage.beside ? "*" : "");
    if (stage.unit != Unit::None) line.append(" (% of ").append(name(stage.unit)).append(")");
    if (stage.expires) line.append(" with an end");
  }
  return line;
}

/// The paths of all members in a value: "rules[].match.paths".
void collect(const Json::Value& value, const std::string& prefix, std::set<std::string>& paths) {
  for (const std::string& member : value.getMemberNames()) {
    const Json::Value& inner = value[member];
    const bool objects = inner.isArray() && !inner.empty() && inner[0].isObject();
    const std::string path = prefix + member + (objects ? "[]" : "");
    paths.insert(path);
    if (inner.isObject()) collect(inner, path + ".", paths);
    if (!objects) continue;
    for (const Json::Value& item : inner) collect(item, path + ".", paths);
  }
}

/// Where the page documents a member: the members of a match stand once for all features.
std::pair<std::string, std::string> placeOf(const Feature& feature, const std::string& path) {
  const std::size_t match = path.find("match.");
  const bool shared = match != std::string::npos && (match == 0 || path[match - 1] == '.');
  return shared ? std::pair(kShared, path.substr(match)) : std::pair(std::string(feature.name), path);
}

TEST(FeatureDocumentationTest, EveryFeatureHasASectionWithItsLadder) {
  const auto sections = documentation();
  for (const Feature& feature : registry()) {
    const auto section = sections.find(std::string(feature.name));
    ASSERT_NE(section, sections.end()) << feature.name;
    for (const std::string& text : {ladderLine(feature), std::string(feature.summary), std::string(feature.acts)}) {
      EXPECT_NE(section->second.text.find(text), std::string::npos) << feature.name << ": " << text;
    }
  }
}

TEST(FeatureDocumentationTest, EverySettingHasARowWithItsBoundsAndDefault) {
  const auto sections = documentation();
  for (const Feature& feature : registry()) {
    for (const filters::Setting& setting : feature.outline()) {
      const auto [section, path] = placeOf(feature, setting.path);
      ASSERT_TRUE(sections.contains(section));
      const auto& rows = sections.at(section).rows;
      const std::string cells =
          "| " + setting.kind + " | " + (setting.standard.empty() ? "none" : setting.standard) + " | ";
      ASSERT_TRUE(rows.contains(path)) << section << ": | `" << path << "` " << cells;
      EXPECT_TRUE(rows.at(path).starts_with(cells)) << section << ", " << path << ": expected " << cells;
      EXPECT_GT(rows.at(path).size(), cells.size() + 5) << section << ", " << path << ": says nothing of what it means";
    }
  }
}

TEST(FeatureDocumentationTest, NoRowIsOfASettingThatIsNotThere) {
  std::map<std::string, std::set<std::string>> known;
  for (const Feature& feature : registry()) {
    for (const filters::Setting& setting : feature.outline()) {
      const auto [section, path] = placeOf(feature, setting.path);
      known[section].insert(path);
    }
  }
  for (const auto& [name, section] : documentation()) {
    if (!known.contains(name)) continue;
    for (const auto& [path, cells] : section.rows) EXPECT_TRUE(known[name].contains(path)) << name << ": " << path;
  }
}

TEST(FeatureDocumentationTest, TheExamplesAreGoodAndShowEverySetting) {
  const auto sections = documentation();
  std::set<std::string> shownMatch;
  std::set<std::string> knownMatch;
  for (const Feature& feature : registry()) {
    std::set<std::string> shown;
    ASSERT_TRUE(sections.contains(std::string(feature.name))) << feature.name;
    for (const Json::Value& example : sections.at(std::string(feature.name)).examples) {
      std::vector<FieldProblem> problems;
      const Json::Value canonical = feature.settings(feature.ladder.back().name, example, problems);
      EXPECT_TRUE(problems.empty()) << feature.name << ": " << text(problems);
      EXPECT_EQ(writeJson(canonical), writeJson(example)) << feature.name << ": not in its canonical form";
      collect(example, "", shown);
    }
    for (const filters::Setting& setting : feature.outline()) {
      const auto [section, path] = placeOf(feature, setting.path);
      if (section == kShared) {
        knownMatch.insert(path);
      } else {
        EXPECT_TRUE(shown.contains(setting.path)) << feature.name << " has no example of " << setting.path;
      }
    }
    for (const std::string& path : shown) {
      const auto [section, shared] = placeOf(feature, path);
      if (section == kShared) shownMatch.insert(shared);
    }
  }
  for (const std::string& path : knownMatch) EXPECT_TRUE(shownMatch.contains(path)) << "no example of " << path;
}

}  // namespace
}  // namespace loam::features
