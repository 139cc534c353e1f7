#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>

#include "proxy/base/clock.h"

namespace loam::access {

/// Makes whoever shows wrong tokens wait longer each time (E9): nothing for the first few, then twice as long as
/// before. Good tokens are not its business, so that a flood of wrong ones holds up nobody else, also from the same
/// address. Bounded: of more sources than it remembers it forgets the one that was quiet longest. One thread.
class WrongTokens {
 public:
  static constexpr std::size_t kMostSources = 1024;
  static constexpr unsigned kFree = 3;
  static constexpr milliseconds kFirst{100};
  static constexpr milliseconds kLongest{5000};
  static constexpr std::chrono::minutes kForget{10};

  /// Counts one of `source` ("uid:1000", an address) and says how long its answer has to wait.
  milliseconds note(std::string_view source, Monotonic now);
  /// It has shown a good one: whoever mended his script does not wait for its past.
  void forgive(std::string_view source);
  /// How many in a row that source has shown.
  unsigned inARow(std::string_view source) const;

  std::size_t sources() const { return sources_.size(); }
  std::uint64_t total() const { return total_; }

 private:
  struct Source {
    std::string name;
    unsigned wrong = 0;
    Monotonic last;
  };
  using Sources = std::list<Source>;

  Sources sources_;  // the one that was quiet longest in front
  std::map<std::string, Sources::iterator, std::less<>> byName_;
  std::uint64_t total_ = 0;
};

}  // namespace loam::access
