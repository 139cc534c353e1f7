#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/base/fields.h"

namespace loam::filters {

/// The kinds of text that settings are made of. Each is read in one form only, or is written in one.

/// One of an enumeration's names.
template <class E>
Word<E> oneOf(std::initializer_list<std::pair<std::string_view, E>> names);

/// What people call a rule, a limit, a subset: it stands in metrics and in `loam-cause`.
Word<std::string> ruleName();
/// A service of the graph.
Word<std::string> serviceName();
/// Any text of one line that is not empty.
Word<std::string> line(std::size_t most);
/// Any text at all.
Word<std::string> anyText(std::size_t most);
/// A method of HTTP; case counts.
Word<std::string> method();
/// A name of a header field, held in lower case.
Word<std::string> headerName();
/// A name of a cookie; case counts.
Word<std::string> cookieName();
/// Key or value of a label of an endpoint: "version", "v2".
Word<std::string> label();
/// Unix seconds, as "2026-12-01T12:00:00Z".
Word<std::int64_t> time();
/// A number of bytes: "512B", "64KiB", "1MiB", "2GiB".
Word<std::uint64_t> size(std::uint64_t least, std::uint64_t most);

/// So many in so long.
struct Rate {
  std::uint32_t count = 0;
  seconds per{1};

  auto operator<=>(const Rate&) const = default;
};
/// "100/s", "600/m", "1000/h"; the unit is kept, for it says how long a burst may be.
Word<Rate> rate();

/// So many until the day or month (UTC) ends.
struct Quota {
  enum class Period : std::uint8_t { Day, Month };

  std::uint64_t count = 0;
  Period period = Period::Day;

  auto operator<=>(const Quota&) const = default;
};
/// "10000/day", "1000000/month".
Word<Quota> quota();

template <class E>
Word<E> oneOf(std::initializer_list<std::pair<std::string_view, E>> names) {
  Word<E> word;
  const std::vector<std::pair<std::string_view, E>> all(names);
  for (const auto& [name, value] : all) word.kind.append(word.kind.empty() ? "one of " : ", ").append(name);
  word.parse = [all](std::string_view text) -> std::optional<E> {
    for (const auto& [name, value] : all) {
      if (name == text) return value;
    }
    return std::nullopt;
  };
  word.write = [all](const E& wanted) -> std::string {
    for (const auto& [name, value] : all) {
      if (value == wanted) return std::string(name);
    }
    return {};
  };
  return word;
}

}  // namespace loam::filters
