#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace loam::report {

/// Keeps sealed reports while the controller cannot be reached, in order, bounded: when it is full the oldest go first
/// and are counted. One thread, and not a worker's.
class Spool {
 public:
  virtual ~Spool() = default;

  virtual Status push(std::string_view report) = 0;
  /// The oldest; nothing when empty. The same one until pop().
  virtual Result<std::optional<std::string>> front() = 0;
  /// Removes the one that front() gave.
  virtual Status pop() = 0;

  /// Takes in what predecessors left unsent and ended with; called every few seconds.
  virtual Status adopt() { return {}; }

  virtual std::size_t size() const = 0;
  virtual std::uint64_t bytes() const = 0;
  virtual std::uint64_t dropped() const = 0;  ///< since the file was made: pushed out or lost with a damaged file
};

}  // namespace loam::report
