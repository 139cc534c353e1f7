#include "rollout/flags/share.h"

#include <algorithm>

namespace loam::flags {

namespace {

constexpr Share kPercent = 1000;
constexpr std::size_t kDecimals = 3;

auto wrong(std::string_view text) {
  return fail(ErrorCode::InvalidArgument, "expected a percentage from 0 to 100 with at most three decimals, not \"" +
                                              std::string(text.substr(0, 40)) + "\"");
}

bool isNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string shareText(Share share) {
  std::string text = std::to_string(share / kPercent);
  if (share % kPercent == 0) return text;
  std::string decimals = std::to_string(kPercent + share % kPercent).substr(1);
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return text + "." + decimals;
}

Result<Share> parseShare(std::string_view text) {
  std::string_view number = text;
  if (number.ends_with('%')) number.remove_suffix(1);
  const std::size_t dot = number.find('.');
  const std::string_view whole = number.substr(0, dot);
  const std::string_view decimals = dot == std::string_view::npos ? "0" : number.substr(dot + 1);
  if (!isNumber(whole) || whole.size() > 3 || !isNumber(decimals) || decimals.size() > kDecimals) return wrong(text);
  Share share = std::stoi(std::string(whole)) * kPercent;
  share += std::stoi((std::string(decimals) + "00").substr(0, kDecimals));
  if (share > kWhole) return wrong(text);
  return share;
}

}  // namespace loam::flags
