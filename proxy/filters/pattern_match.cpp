#include "proxy/filters/pattern_match.h"

namespace loam::filters {

namespace {

/// A star that was passed: what stands behind it in the pattern, and where in the text that was last tried.
struct Star {
  std::size_t behind = std::string_view::npos;
  std::size_t at = 0;

  bool isSet() const { return behind != std::string_view::npos; }
};

/// Walks over pattern and text together. Where they part it goes back to the last star and lets that take one byte
/// more: an earlier star of the same kind could only take what the later one may take too. A star that stops at '/'
/// leaves what is behind the '/' to the last one that does not.
class Walk {
 public:
  Walk(std::string_view pattern, std::string_view text, char stop) : pattern_(pattern), text_(text), stop_(stop) {}

  bool fits() {
    while (at_ < text_.size() || next_ < pattern_.size()) {
      if (next_ < pattern_.size() && pattern_[next_] == '*') {
        passStar();
      } else if (!takeByte() && !goBack()) {
        return false;
      }
    }
    return true;
  }

 private:
  void passStar() {
    const bool isDouble = stop_ == '\0' || pattern_.substr(next_).starts_with("**");
    next_ += pattern_.substr(next_).starts_with("**") ? 2 : 1;
    (isDouble ? any_ : within_) = {next_, at_};
    if (isDouble) within_ = {};
  }
  bool takeByte() {
    if (next_ == pattern_.size() || at_ == text_.size()) return false;
    const std::size_t literal = pattern_[next_] == '\\' ? next_ + 1 : next_;
    if (pattern_[literal] != text_[at_]) return false;
    next_ = literal + 1;
    ++at_;
    return true;
  }
  bool goBack() {
    if (within_.isSet() && within_.at < text_.size() && text_[within_.at] != stop_) return retry(within_);
    if (!any_.isSet()) return false;
    within_ = {};
    return any_.at < text_.size() && retry(any_);
  }
  bool retry(Star& star) {
    at_ = ++star.at;
    next_ = star.behind;
    return true;
  }

  const std::string_view pattern_;
  const std::string_view text_;
  const char stop_;
  std::size_t next_ = 0;
  std::size_t at_ = 0;
  Star any_{};
  Star within_{};
};

}  // namespace

bool matches(const Pattern& pattern, std::string_view text) { return Walk(pattern.text, text, '\0').fits(); }

bool matchesPath(const Pattern& pattern, std::string_view path) { return Walk(pattern.text, path, '/').fits(); }

}  // namespace loam::filters
