#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "proxy/wire/verdict.h"

namespace loam::observe {

/// What features denied since the last report, added up. At most `most` different verdicts; what comes beyond is added
/// up by feature and bucket in one whose client and destination are unspecified and whose rule is "other". Observer
/// thread.
class VerdictTable {
 public:
  static constexpr std::size_t kMost = 4096;

  explicit VerdictTable(std::size_t most = kMost) : most_(most) {}

  /// Adds the verdict's count; false when it went to "other".
  bool add(wire::Verdict verdict);
  /// All of it, in order; the table is empty then.
  std::vector<wire::Verdict> take();

 private:
  const std::size_t most_;
  struct Sum {
    std::uint64_t count = 0;
    std::uint64_t generation = 0;  // of the last one
  };
  std::map<wire::Verdict, Sum> sums_;  // by verdicts whose own count and generation are 0
  std::size_t others_ = 0;
};

}  // namespace loam::observe
