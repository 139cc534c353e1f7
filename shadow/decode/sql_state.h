#pragma once

#include <cstdint>
#include <string_view>

namespace loam::decode {

/// The class of an SQLSTATE as a number, the status of an SQL exchange: "42P01" is 42, "08006" is 8. A class with a
/// letter is 1000 + its two digits in base 36 ("XX000" is 2221, "0A000" is 1010). 0 when there is none.
constexpr std::uint16_t sqlStateClass(std::string_view state) {
  if (state.size() < 2) return 0;
  int number = 0;
  bool letters = false;
  for (const char c : state.substr(0, 2)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && !(c >= 'A' && c <= 'Z')) return 0;
    letters |= !digit;
    number = number * 36 + (digit ? c - '0' : c - 'A' + 10);
  }
  if (letters) return static_cast<std::uint16_t>(1000 + number);
  return static_cast<std::uint16_t>((state[0] - '0') * 10 + (state[1] - '0'));
}

}  // namespace loam::decode
