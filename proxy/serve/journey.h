#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/http/header_field.h"

namespace loam::serve {

/// What an exchange needs for as long as filters look at it: its head, out of the buffer in which the next bytes come.
struct Journey {
  std::string head;
  std::vector<http::HeaderField> fields;  ///< room for those in it
  std::vector<http::HeaderField> answer;  ///< those of the server's answer, where that stands
};

/// Journeys of one worker, lent for an exchange each, so that an idle connection holds none. One thread.
class Journeys {
 public:
  std::unique_ptr<Journey> lend() {
    if (free_.empty()) return std::make_unique<Journey>();
    auto journey = std::move(free_.back());
    free_.pop_back();
    return journey;
  }
  /// One with a great head is let go.
  void giveBack(std::unique_ptr<Journey> journey) {
    if (journey->head.capacity() <= kGreat && free_.size() < kKept) free_.push_back(std::move(journey));
  }

 private:
  static constexpr std::size_t kKept = 64;
  static constexpr std::size_t kGreat = 16 * 1024;
  std::vector<std::unique_ptr<Journey>> free_;
};

}  // namespace loam::serve
