#include "rollout/cli/settings_argument.h"

#include "proxy/base/json.h"
#include "rollout/cli/yaml_reader.h"

namespace loam::cli {

Outcome<Json::Value> readSettings(const std::string& typed) {
  const std::size_t begin = typed.find_first_not_of(" \t\r\n");
  if (begin != std::string::npos && typed[begin] == '{') {
    auto settings = parseJson(typed);
    if (!settings) return tl::unexpected(Failure{kUsage, "--settings: " + settings.error().context, {}});
    return *std::move(settings);
  }
  YamlProblems problems(typed);
  auto document = readYaml(typed, problems);
  if (!document) return tl::unexpected(Failure{kUsage, "--settings: " + document.error().context, {}});
  if (!document->value.isObject()) problems.add(document->placeOf(""), "expected a mapping of settings");
  if (!problems.empty()) return tl::unexpected(Failure{kUsage, problems.text(), {}});
  return std::move(document->value);
}

}  // namespace loam::cli
