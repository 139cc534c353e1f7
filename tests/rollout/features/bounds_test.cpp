#include <gtest/gtest.h>

#include <charconv>
#include <functional>

#include "proxy/base/json.h"
#include "rollout/features/feature.h"

namespace loam::features {
namespace {

/// A document in which `value` stands at "a.b[].c", with nothing else in it, and the pointer of that place.
struct Placed {
  Json::Value document;
  std::string pointer;
};

Placed place(const std::string& path, const Json::Value& value) {
  Placed placed{Json::Value(Json::objectValue), ""};
  Json::Value* here = &placed.document;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('.', start), path.size());
    std::string step = path.substr(start, end - start);
    const bool list = step.ends_with("[]") && end != path.size();
    if (step.ends_with("[]")) step.resize(step.size() - 2);
    here = &(*here)[step];
    placed.pointer += "/" + step;
    if (list) {
      here = &(*here)[0];
      placed.pointer += "/0";
    }
    start = end + 1;
  }
  *here = value;
  return placed;
}

/// Whether the value is refused for its own sake: a problem at its place (or below) that names what was expected.
bool isRefused(const Feature& feature, const std::string& path, const Json::Value& value) {
  const Placed placed = place(path, value);
  std::vector<FieldProblem> problems;
  feature.settings("off", placed.document, problems);
  return std::any_of(problems.begin(), problems.end(), [&](const FieldProblem& problem) {
    return problem.pointer.starts_with(placed.pointer) && problem.detail.starts_with("expected");
  });
}

void eachSetting(const std::function<void(const Feature&, const filters::Setting&)>& body) {
  for (const Feature& feature : registry()) {
    for (const filters::Setting& setting : feature.outline()) {
      SCOPED_TRACE(std::string(feature.name) + " " + setting.path);
      body(feature, setting);
    }
  }
}

/// "1ms" and "1h" of "a duration from 1ms to 1h"; nothing where the kind is another.
std::optional<std::pair<std::string, std::string>> boundsOf(const std::string& kind, const std::string& what) {
  if (!kind.starts_with(what + " from ")) return std::nullopt;
  const std::size_t from = what.size() + 6;
  const std::size_t to = kind.find(" to ", from);
  return std::pair(kind.substr(from, to - from), kind.substr(to + 4));
}

/// "59m" for "1h" and -1: a step beyond, in the smallest unit of the kind.
std::string stepped(const std::string& text, std::int64_t step,
                    const std::vector<std::pair<std::string, std::int64_t>>& units) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  EXPECT_EQ(error, std::errc());
  for (const auto& [unit, length] : units) {
    if (unit == end) return std::to_string(count * length + step) + units.front().first;
  }
  ADD_FAILURE() << text;
  return {};
}

TEST(FeatureBoundsTest, WholeNumbersAreTakenUpToTheirBoundsAndNotBeyond) {
  std::size_t seen = 0;
  eachSetting([&](const Feature& feature, const filters::Setting& setting) {
    const auto bounds = boundsOf(setting.kind, "a whole number");
    if (!bounds) return;
    ++seen;
    const Json::Int64 least = std::stoll(bounds->first);
    const Json::Int64 most = std::stoll(bounds->second);
    EXPECT_FALSE(isRefused(feature, setting.path, least));
    EXPECT_FALSE(isRefused(feature, setting.path, most));
    EXPECT_TRUE(isRefused(feature, setting.path, least - 1));
    EXPECT_TRUE(isRefused(feature, setting.path, most + 1));
    EXPECT_TRUE(isRefused(feature, setting.path, std::to_string(least)));
  });
  EXPECT_GT(seen, 20u);
}

TEST(FeatureBoundsTest, NumbersAreTakenUpToTheirBoundsAndNotBeyond) {
  std::size_t seen = 0;
  eachSetting([&](const Feature& feature, const filters::Setting& setting) {
    const auto bounds = boundsOf(setting.kind, "a number");
    if (!bounds) return;
    ++seen;
    EXPECT_FALSE(isRefused(feature, setting.path, std::stod(bounds->first)));
    EXPECT_FALSE(isRefused(feature, setting.path, std::stod(bounds->second)));
    EXPECT_TRUE(isRefused(feature, setting.path, std::stod(bounds->first) - 0.001));
    EXPECT_TRUE(isRefused(feature, setting.path, std::stod(bounds->second) + 0.001));
  });
  EXPECT_GE(seen, 2u);
}

TEST(FeatureBoundsTest, DurationsAndSizesAreTakenUpToTheirBoundsAndNotBeyond) {
  const std::vector<std::pair<std::string, std::int64_t>> times{
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  const std::vector<std::pair<std::string, std::int64_t>> sizes{
      {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
  std::size_t seen = 0;
  eachSetting([&](const Feature& feature, const filters::Setting& setting) {
    for (const auto& [what, units] : {std::pair("a duration", times), std::pair("a size", sizes)}) {
      const auto bounds = boundsOf(setting.kind, what);
      if (!bounds) continue;
      ++seen;
      EXPECT_FALSE(isRefused(feature, setting.path, stepped(bounds->first, 0, units)));
      EXPECT_FALSE(isRefused(feature, setting.path, stepped(bounds->second, 0, units)));
      EXPECT_TRUE(isRefused(feature, setting.path, stepped(bounds->first, -1, units)));
      EXPECT_TRUE(isRefused(feature, setting.path, stepped(bounds->second, 1, units)));
      EXPECT_TRUE(isRefused(feature, setting.path, 5));
    }
  });
  EXPECT_GT(seen, 30u);
}

TEST(FeatureBoundsTest, EveryNameOfAnEnumerationIsTakenAndNoOther) {
  std::size_t seen = 0;
  eachSetting([&](const Feature& feature, const filters::Setting& setting) {
    const std::size_t start = setting.kind.find("one of ");
    if (start == std::string::npos) return;
    ++seen;
    const bool list = start > 0;
    const auto given = [&](const std::string& name) {
      Json::Value value(name);
      if (list) (value = Json::Value(Json::arrayValue)).append(name);
      return value;
    };
    const std::string names = setting.kind.substr(start + 7);
    for (std::size_t at = 0; at < names.size();) {
      const std::size_t end = std::min(names.find(", ", at), names.size());
      EXPECT_FALSE(isRefused(feature, setting.path, given(names.substr(at, end - at)))) << names.substr(at, end - at);
      at = end + 2;
    }
    for (const char* other : {"", "other", ","}) EXPECT_TRUE(isRefused(feature, setting.path, given(other))) << other;
  });
  EXPECT_GT(seen, 15u);
}

TEST(FeatureBoundsTest, ListsAndObjectsAreTakenUpToTheirBoundAndNotBeyond) {
  std::size_t seen = 0;
  eachSetting([&](const Feature& feature, const filters::Setting& setting) {
    const bool object = setting.kind.starts_with("an object of at most ");
    if (!object && !setting.kind.starts_with("a list of at most ")) return;
    ++seen;
    const auto given = [&](std::size_t count) {
      Json::Value value(object ? Json::objectValue : Json::arrayValue);
      for (std::size_t i = 0; i < count; ++i) {
        if (object) {
          value["n" + std::to_string(i)] = "v";
        } else {
          value.append(Json::Value(Json::objectValue));
        }
      }
      return value;
    };
    const std::size_t most = std::stoul(setting.kind.substr(setting.kind.find("most ") + 5));
    const auto isTooLong = [&](std::size_t count) {
      const Placed placed = place(setting.path, given(count));
      std::vector<FieldProblem> problems;
      feature.settings("off", placed.document, problems);
      return std::any_of(problems.begin(), problems.end(), [&](const FieldProblem& problem) {
        return problem.pointer == placed.pointer && problem.detail.starts_with("expected at most");
      });
    };
    EXPECT_FALSE(isTooLong(most));
    EXPECT_TRUE(isTooLong(most + 1));
  });
  EXPECT_GT(seen, 20u);
}

}  // namespace
}  // namespace loam::features
