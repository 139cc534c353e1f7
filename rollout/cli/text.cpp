#include "rollout/cli/text.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace loam::cli {

namespace {

/// Length of the UTF-8 sequence that starts `text`, and its character; 0 when there is none.
std::size_t decode(std::string_view text, std::uint32_t& character) {
  const auto byte = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  if (byte(0) < 0x80) return character = byte(0), 1;
  const std::size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return 0;
  character = byte(0) & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    character = character << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  return character < kLeast[length] || character > 0x10ffff || surrogate ? 0 : length;
}

bool isShown(std::uint32_t character) {
  const bool control = character < 0x20 || (character >= 0x7f && character < 0xa0);
  const bool invisible = (character >= 0x200b && character <= 0x200f) || (character >= 0x2028 && character <= 0x202e) ||
                         (character >= 0x2060 && character <= 0x206f) || character == 0xfeff;
  return !control && !invisible;
}

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
    std::uint32_t character = 0;
    const std::size_t length = decode(text, character);
    std::array<char, 16> escaped{};
    if (length == 0) {
      std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<std::uint8_t>(text[0]));
      out.append(escaped.data());
    } else if (!isShown(character)) {
      std::snprintf(escaped.data(), escaped.size(), character < 0x100 ? "\\x%02x" : "\\u{%x}", character);
      out.append(escaped.data());
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
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

std::string timeText(std::string_view rfc3339) {
  constexpr std::size_t kLength = 20;
  std::string text(rfc3339);
  if (text.size() != kLength || text[10] != 'T' || text[19] != 'Z') return printable(text);
  text[10] = ' ';
  text.pop_back();
  return text;
}

}  // namespace loam::cli
