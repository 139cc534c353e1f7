#pragma once

#include <json/value.h>

#include <functional>
#include <string>
#include <vector>

#include "proxy/base/fields.h"
#include "proxy/filters/form.h"

namespace loam::filters {

/// Whether settings are to do something, or are only kept for later: an empty fault may be kept, and not used.
enum class Purpose { Keep, Use };

/// One member of some settings, for people: help, completion, documentation.
struct Setting {
  std::string path;      ///< "rules[].match.paths"
  std::string kind;      ///< "a duration from 1ms to 1h"; "an object" and "a list of at most 20 objects" for those
  std::string standard;  ///< the default as JSON; "required", "required in use", or empty where there is none

  bool operator==(const Setting&) const = default;
};

using Describe = std::function<void(Form&)>;

/// Reads `given` by what `describe` declares, notes all that is wrong with it, and returns what was given in its
/// canonical form: defaults are not filled in, sets are sorted, durations and sizes have their shortest text.
Json::Value readBy(const Describe& describe, const Json::Value& given, Purpose purpose,
                   std::vector<FieldProblem>& problems);
/// All values, defaults included: what a proxy is sent, so that no two versions of it differ in what they do.
Json::Value writeBy(const Describe& describe);
std::vector<Setting> listBy(const Describe& describe);

/// The typed settings; where `problems` grew they are of no use.
template <class S>
S read(const Json::Value& given, std::vector<FieldProblem>& problems, Purpose purpose = Purpose::Use) {
  S settings;
  readBy([&settings](Form& form) { settings.describe(form); }, given, purpose, problems);
  return settings;
}

template <class S>
Json::Value canonical(const Json::Value& given, std::vector<FieldProblem>& problems, Purpose purpose = Purpose::Use) {
  S settings;
  return readBy([&settings](Form& form) { settings.describe(form); }, given, purpose, problems);
}

template <class S>
Json::Value write(S settings) {
  return writeBy([&settings](Form& form) { settings.describe(form); });
}

template <class S>
std::vector<Setting> outline() {
  S settings;
  return listBy([&settings](Form& form) { settings.describe(form); });
}

}  // namespace loam::filters
