#pragma once

#include <json/value.h>

#include <map>
#include <string>

#include "proxy/base/result.h"
#include "proxy/base/yaml.h"

namespace loam::cli {

/// A YAML document as JSON, with the place of each part by its JSON pointer: who judges the JSON names pointers, and
/// people look for lines.
struct PlacedDocument {
  Json::Value value;
  std::map<std::string, YAML::Mark> places;

  /// Of the part at the pointer, or of the nearest part around it.
  YAML::Mark placeOf(std::string pointer) const;
};

/// Reads a file of at most 1 MiB ("-": stdin). What is not quoted is null, true, false or a number where it looks like
/// one, as in YAML 1.2, else a text. No YAML, keys that stand twice or are no names, and more than a document hold go
/// to `problems`. Fails when the file cannot be read.
Result<PlacedDocument> readYaml(const std::string& path, YamlProblems& problems);

}  // namespace loam::cli
