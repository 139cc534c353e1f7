#include "proxy/base/nearest.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace loam {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

/// Optimal string alignment (Damerau 1964): three rows are enough.
std::size_t edits(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::vector<std::string> nearest(std::string_view wanted, std::span<const std::string> names, std::size_t most) {
  constexpr std::size_t kLongest = 128;
  std::vector<std::pair<std::size_t, std::string>> ranked;
  if (wanted.empty() || wanted.size() > kLongest) return {};
  const std::string key = lower(wanted);
  for (const std::string& name : names) {
    if (name.size() > kLongest) continue;
    const std::string other = lower(name);
    const std::size_t distance = other.starts_with(key) ? 0 : edits(key, other);
    if (distance <= std::max(key.size(), other.size()) / 3) ranked.emplace_back(distance, name);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> out;
  for (auto& [distance, name] : ranked) {
    if (out.size() == most) break;
    if (out.empty() || out.back() != name) out.push_back(std::move(name));
  }
  return out;
}

std::string didYouMean(std::string_view wanted, std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : nearest(wanted, names))
    text.append(text.empty() ? " (did you mean " : ", ").append(name);
  return text.empty() ? text : text + "?)";
}

}  // namespace loam
