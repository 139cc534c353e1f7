#include <algorithm>
#include <cstdlib>

#include "proxy/base/json.h"
#include "rollout/features/feature.h"

/// The first byte says which feature and whether it is off; the rest is a document of settings. What is read without a
/// problem has a canonical form that is read as itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace loam;
  if (size == 0) return 0;
  const auto all = features::registry();
  const features::Feature& feature = all[bytes[0] / 2 % all.size()];
  const std::string_view stage = bytes[0] % 2 == 0 ? "off" : feature.ladder.back().name;
  const auto given = parseJson({reinterpret_cast<const char*>(bytes) + 1, size - 1});
  if (!given) return 0;
  std::vector<FieldProblem> problems;
  const Json::Value once = feature.settings(stage, *given, problems);
  if (problems.size() > Fields::kMostProblems + 1) std::abort();
  const std::string line = text(problems);
  if (std::any_of(line.begin(), line.end(), [](char c) { return c == '\n' || c == '\x1b'; })) std::abort();
  if (!problems.empty()) return 0;
  const Json::Value twice = feature.settings(stage, once, problems);
  if (!problems.empty() || writeJson(once) != writeJson(twice)) std::abort();
  return 0;
}
