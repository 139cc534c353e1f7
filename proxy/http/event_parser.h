#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace loam::http {

/// Server-Sent Events out of pieces of any size; comments are passed over.
class EventParser {
 public:
  struct Event {
    std::string id;    ///< empty: it has none of its own
    std::string kind;  ///< "flag", "proxy", ...
    std::string data;
  };
  static constexpr std::size_t kMostLine = 1024 * 1024;

  explicit EventParser(std::function<void(const Event&)> then) : then_(std::move(then)) {}

  /// False for what is no event stream: a line without end.
  bool take(std::string_view piece);

 private:
  void line(std::string_view text);

  const std::function<void(const Event&)> then_;
  std::string rest_;  // of a line that has not ended
  Event event_;
};

}  // namespace loam::http
