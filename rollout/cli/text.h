#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace loam::cli {

/// `text` as a terminal may show it: control characters, what is no UTF-8, and marks that turn the direction of text
/// come out as \xNN or \u{N} (E11).
std::string printable(std::string_view text);
/// Columns that printable text takes, one a character.
std::size_t columns(std::string_view printable);
/// At most `width` columns, the last one an ellipsis where something was cut.
std::string shortened(std::string_view printable, std::size_t width);

/// "0/s", "0.05/s", "12.3/s", "1.2k/s".
std::string rateText(double perSecond);
/// "0.42 ms", "4.9 ms", "120 ms", "1.2 s".
std::string millisecondsText(double milliseconds);
/// "0%", "<0.01%", "0.31%", "12%".
std::string percentText(double share);
/// "812 B", "1.2 KiB", "3.4 GiB".
std::string bytesText(std::uint64_t bytes);
/// "45s", "15m", "2h", "3d".
std::string lengthText(std::int64_t seconds);
/// How a clock stands that is so many seconds ahead: "40s behind the controller's", "agrees with the controller's".
std::string clockText(std::int64_t ahead);
/// "2026-11-22T20:55:10Z" -> "2026-11-22 20:55:10"; anything else stays.
std::string timeText(std::string_view rfc3339);

}  // namespace loam::cli
