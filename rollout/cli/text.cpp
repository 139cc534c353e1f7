#include "rollout/cli/text.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "proxy/base/utf8.h"

namespace loam::cli {

namespace {

std::string format(const char* pattern, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), pattern, value);
  return buffer.data();
}

/// Three digits or so: 0.42, 4.9, 120.
std::string digits(double value) {
  if (value >= 99.95) return format("%.0f", value);
  return format(value >= 9.95 ? "%.1f" : "%.2f", value);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view before = text;
    const auto character = takeCharacter(text);
    std::array<char, 16> escaped{};
    if (!character) {
      std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<std::uint8_t>(text[0]));
      out.append(escaped.data());
      text.remove_prefix(1);
    } else if (movesText(*character)) {
      const auto value = static_cast<std::uint32_t>(*character);
      std::snprintf(escaped.data(), escaped.size(), value < 0x100 ? "\\x%02x" : "\\u{%x}", value);
      out.append(escaped.data());
    } else {
      out.append(before.substr(0, before.size() - text.size()));
    }
  }
  return out;
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<std::uint8_t>(c) & 0xc0) != 0x80;
  return count;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  std::string out;
  std::size_t count = 0;
  for (const char c : text) {
    const bool starts = (static_cast<std::uint8_t>(c) & 0xc0) != 0x80;
    if (starts && ++count == width) break;
    out.push_back(c);
  }
  return out + "…";
}

std::string rateText(double perSecond) {
  if (perSecond <= 0) return "0/s";
  if (perSecond < 0.01) return "<0.01/s";
  if (perSecond < 1000) return digits(perSecond) + "/s";
  if (perSecond < 1e6) return digits(perSecond / 1e3) + "k/s";
  return digits(perSecond / 1e6) + "M/s";
}

std::string millisecondsText(double milliseconds) {
  if (milliseconds < 1000) return digits(milliseconds) + " ms";
  if (milliseconds < 120'000) return digits(milliseconds / 1000) + " s";
  return digits(milliseconds / 60'000) + " min";
}

std::string percentText(double share) {
  const double percent = share * 100;
  if (percent <= 0) return "0%";
  if (percent < 0.01) return "<0.01%";
  // 99.996 % is not all.
  if (percent < 100 && percent > 99.99) return "99.99%";
  return percent >= 99.995 ? "100%" : format(percent >= 9.95 ? "%.1f%%" : "%.2f%%", percent);
}

std::string bytesText(std::uint64_t bytes) {
  constexpr std::array kUnits = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return digits(value) + kUnits[unit];
}

std::string lengthText(std::int64_t seconds) {
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + "m";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86'400) + "d";
}

std::string clockText(std::int64_t ahead) {
  if (ahead >= -1 && ahead <= 1) return "agrees with the controller's";  // it is measured in whole seconds
  return lengthText(std::abs(ahead)) + (ahead > 0 ? " ahead of the controller's" : " behind the controller's");
}

std::string timeText(std::string_view rfc3339) {
  constexpr std::size_t kLength = 20;
  std::string text(rfc3339);
  if (text.size() != kLength || text[10] != 'T' || text[19] != 'Z') return printable(text);
  text[10] = ' ';
  text.pop_back();
  return text;
}

}  // namespace loam::cli
