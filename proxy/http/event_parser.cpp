#include "proxy/http/event_parser.h"

#include <algorithm>
#include <utility>

namespace loam::http {

bool EventParser::take(std::string_view piece) {
  rest_.append(piece);
  std::size_t from = 0;
  for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', from)) {
    std::string_view text = std::string_view(rest_).substr(from, end - from);
    if (text.ends_with('\r')) text.remove_suffix(1);
    line(text);
    from = end + 1;
  }
  rest_.erase(0, from);
  return rest_.size() <= kMostLine;
}

void EventParser::line(std::string_view text) {
  if (text.empty()) {
    const Event done = std::exchange(event_, {});
    if (!done.data.empty()) then_(done);
    return;
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  std::string_view value = text.substr(std::min(colon + 1, text.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  const std::string_view name = text.substr(0, colon);
  if (name == "id") event_.id = value;
  if (name == "event") event_.kind = value;
  if (name == "data") event_.data.append(event_.data.empty() ? "" : "\n").append(value);
}

}  // namespace loam::http
