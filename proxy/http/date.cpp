#include "proxy/http/date.h"

#include <array>
#include <ctime>

namespace loam::http {

std::string dateText(Wall time) {
  const std::time_t whole = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 24> rest{};
  std::strftime(rest.data(), rest.size(), "%Y %H:%M:%S GMT", &parts);
  const std::string day = std::to_string(100 + parts.tm_mday).substr(1);
  return std::string(kDays[static_cast<std::size_t>(parts.tm_wday)]) + ", " + day + " " +
         kMonths[static_cast<std::size_t>(parts.tm_mon)] + " " + rest.data();
}

std::optional<std::int64_t> parseDate(std::string_view text) {
  std::tm parts{};
  const std::string whole(text);
  const char* const end = ::strptime(whole.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&parts);
}

}  // namespace loam::http
