#include "rollout/cli/yaml_writer.h"

#include <yaml-cpp/yaml.h>

#include "proxy/base/json.h"

namespace loam::cli {

namespace {

void write(YAML::Emitter& out, const Json::Value& value) {
  switch (value.type()) {
    case Json::objectValue:
      out << YAML::BeginMap;
      for (const std::string& key : value.getMemberNames()) {
        out << YAML::Key << key << YAML::Value;
        write(out, value[key]);
      }
      out << YAML::EndMap;
      break;
    case Json::arrayValue:
      out << YAML::BeginSeq;
      for (const Json::Value& item : value) write(out, item);
      out << YAML::EndSeq;
      break;
    case Json::stringValue:
      out << YAML::DoubleQuoted << value.asString();
      break;
    case Json::nullValue:
      out << YAML::Null;
      break;
    default:
      out << writeJson(value);
      break;
  }
}

}  // namespace

std::string writeYaml(const Json::Value& document) {
  YAML::Emitter out;
  write(out, document);
  return std::string(out.c_str()) + "\n";
}

}  // namespace loam::cli
