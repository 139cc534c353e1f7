#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "proxy/base/json.h"
#include "proxy/filters/settings.h"

namespace loam::filters {

inline Json::Value settingsJson(std::string_view text) {
  auto value = parseJson(text);
  EXPECT_TRUE(value) << text;
  return value.value_or(Json::Value());
}

/// Settings that are wrong: the document, and of each problem its exact pointer and a part of what it says.
struct BadSettings {
  std::string document;
  std::vector<std::pair<std::string, std::string>> problems;
};

template <class S>
void expectProblems(const std::vector<BadSettings>& table) {
  for (const auto& [document, expected] : table) {
    std::vector<FieldProblem> problems;
    read<S>(settingsJson(document), problems);
    ASSERT_EQ(problems.size(), expected.size()) << document << ": " << text(problems);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(problems[i].pointer, expected[i].first) << document << ": " << text(problems);
      EXPECT_NE(problems[i].detail.find(expected[i].second), std::string::npos) << document << ": " << text(problems);
    }
  }
}

/// Reads settings that have to be good.
template <class S>
S good(std::string_view document, Purpose purpose = Purpose::Use) {
  std::vector<FieldProblem> problems;
  S settings = read<S>(settingsJson(document), problems, purpose);
  EXPECT_TRUE(problems.empty()) << document << ": " << text(problems);
  return settings;
}

/// What is written for settings is read back as the same, and so written again.
template <class S>
void expectWritesWhatItReads(std::string_view document) {
  const std::string written = writeJson(write(good<S>(document)));
  EXPECT_EQ(writeJson(write(good<S>(written))), written) << document;
}

}  // namespace loam::filters
