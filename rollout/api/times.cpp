#include "rollout/api/times.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <string>

namespace loam::api {

namespace {

std::optional<std::int64_t> digits(std::string_view text) {
  std::int64_t value = 0;
  if (text.empty() || text.front() == '-' || text.size() > 15) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::int64_t unitSeconds(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86'400;
    case 'w':
      return 7 * 86'400;
    default:
      return 0;
  }
}

/// Takes "YYYY-MM-DDThh:mm:ss" off `text`.
std::optional<std::int64_t> takeDateTime(std::string_view& text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() < kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    const bool same = text[i] == kShape[i] || (kShape[i] == 'T' && (text[i] == 't' || text[i] == ' '));
    if (kShape[i] == '0' ? !digit : !same) return std::nullopt;
  }
  const auto part = [&text](std::size_t at, std::size_t length) {
    return static_cast<int>(*digits(text.substr(at, length)));
  };
  const std::chrono::year_month_day day{std::chrono::year(part(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(part(8, 2)))};
  const int hour = part(11, 2);
  const int minute = part(14, 2);
  const int second = part(17, 2);
  if (!day.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  text.remove_prefix(kShape.size());
  const auto midnight = std::chrono::sys_days(day).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(midnight).count() + hour * 3600 + minute * 60 + second;
}

/// "Z" or "+02:00", after an optional fraction.
std::optional<std::int64_t> offsetSeconds(std::string_view text) {
  if (text.starts_with('.')) {
    const auto end = text.find_first_not_of("0123456789", 1);
    if (end == 1 || end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end);
  }
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || text[3] != ':' || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = digits(text.substr(1, 2));
  const auto minutes = digits(text.substr(4, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return (text[0] == '-' ? -1 : 1) * (*hours * 3600 + *minutes * 60);
}

auto refused(std::string_view text, const char* forms) {
  return fail(ErrorCode::InvalidArgument, "\"" + std::string(text.substr(0, 60)) + "\": expected " + forms);
}

}  // namespace

Result<std::int64_t> parseLength(std::string_view text) {
  constexpr const char* kForms = "a length like 90s, 15m, 2h or 7d";
  if (const auto plain = digits(text)) return *plain;
  if (text.size() < 2 || unitSeconds(text.back()) == 0) return refused(text, kForms);
  const auto count = digits(text.substr(0, text.size() - 1));
  if (!count || *count > 100'000'000) return refused(text, kForms);
  return *count * unitSeconds(text.back());
}

Result<std::int64_t> parseTime(std::string_view text, std::int64_t now) {
  constexpr const char* kForms = "a time like -15m, +2h, now, now-2h, 1763845510 or 2026-11-22T20:55:10Z";
  if (text == "now") return now;
  if (const auto unix = digits(text)) return *unix;
  std::string_view rest = text;
  if (rest.starts_with("now-") || rest.starts_with("now+")) rest.remove_prefix(3);
  if (rest.starts_with('-') || rest.starts_with('+')) {
    const auto length = parseLength(rest.substr(1));
    if (!length) return refused(text, kForms);
    return rest.front() == '-' ? now - *length : now + *length;
  }
  const auto local = takeDateTime(rest);
  if (!local) return refused(text, kForms);
  const auto offset = offsetSeconds(rest);
  if (!offset) return refused(text, kForms);
  return *local - *offset;
}

}  // namespace loam::api
