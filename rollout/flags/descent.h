#pragma once

#include <json/value.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "rollout/flags/flag.h"

namespace loam::flags {

/// That a flag was lowered, by whatever hand, and from where: of a feature that goes down rung by rung, proxies are
/// told of each rung in between before they are told of what is wanted. Kept until that is over, so that a controller
/// that is started again in the midst begins the way down again.
struct Descent {
  Flag from;            ///< as it was; its revision is not kept
  std::int64_t at = 0;  ///< unix milliseconds: two ways down of one flag differ by it

  bool operator==(const Descent&) const = default;
};

constexpr std::string_view kDescentKind = "descent";

Json::Value toJson(const Descent& descent);
Result<Descent> readDescent(const audit::Document& document);

/// What proxies are told on the way from one to the other, in order, before they are told of `to`: each rung in between
/// at its whole share, with the settings of before, so that nobody is refused by who has not heard of it yet. None for
/// a feature that goes down at once. Pure.
std::vector<Flag> stepsDown(const Flag& from, const Flag& to);

}  // namespace loam::flags
