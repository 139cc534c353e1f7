#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>

#include "proxy/base/json.h"
#include "proxy/base/utf8.h"
#include "rollout/audit/event.h"

namespace loam::audit {

namespace {

/// `text` with \uXXXX for each character that acts where it is shown, and \ufffd for bytes that are none: JSON stays
/// the same JSON, since such characters stand in its strings alone.
std::string visible(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view before = text;
    const auto character = takeCharacter(text);
    if (character && !movesText(*character)) {
      out.append(before.substr(0, before.size() - text.size()));
      continue;
    }
    if (!character) text.remove_prefix(1);
    std::array<char, 16> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(character.value_or(U'\ufffd')));
    out.append(escaped.data());
  }
  return out;
}

/// Whether a spreadsheet would take the cell for a formula: =, +, -, @ and their full-width forms, behind spaces too.
bool isFormula(std::string_view cell) {
  while (!cell.empty() && cell.front() == ' ') cell.remove_prefix(1);
  if (cell.empty()) return false;
  const auto first = takeCharacter(cell);
  return first && std::u32string_view(U"=+-@\uff1d\uff0b\uff0d\uff20").find(*first) != std::u32string_view::npos;
}

std::string cell(std::string_view text) {
  std::string out = "\"";
  if (isFormula(text)) out.push_back('\'');
  for (const char c : visible(text)) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out + "\"";
}

std::string timeText(std::int64_t unixMilliseconds) {
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(unixMilliseconds)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return buffer.data();
}

}  // namespace

std::string toJsonLine(const Event& event) { return visible(writeJson(toJson(event))); }

std::string csvHeader() {
  return "sequence,at,who,via,from,verb,kind,key,from_revision,to_revision,reason,ticket,correlation,patch,previous,"
         "hash";
}

std::string toCsvLine(const Event& event) {
  std::string out = std::to_string(event.sequence) + "," + timeText(event.at);
  const auto add = [&out](std::string_view text) { out.append(",").append(cell(text)); };
  const auto addNumber = [&out](std::uint64_t number) { out.append(",").append(std::to_string(number)); };
  for (const std::string* text : {&event.act.who, &event.act.via, &event.act.from, &event.act.verb}) add(*text);
  add(event.kind);
  add(event.key);
  addNumber(event.fromRevision);
  addNumber(event.toRevision);
  for (const std::string* text : {&event.act.reason, &event.act.ticket, &event.act.correlation}) add(*text);
  add(writeJson(event.patch));
  add(event.previous);
  add(event.hash);
  return out;
}

}  // namespace loam::audit
