#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/wire/verdict.h"

namespace loam::report {

/// Says in the proxy's log which connections its features refused: whose, where to, by which rule, under which
/// generation. The first of each at once, the further ones added up every kAgain, and no more than kMost different ones
/// in that time: the rest is one line. What is only simulated is not said. Observer thread.
class RefusalLog {
 public:
  static constexpr seconds kAgain{60};
  static constexpr std::size_t kMost = 64;

  /// Both outlive it.
  RefusalLog(const Clock& clock, Log& log) : clock_(clock), log_(log), since_(clock.now()) {}

  void take(const wire::Verdict& verdict);
  /// Says what was added up, once it is time.
  void tick();

 private:
  void say(const wire::Verdict& verdict, std::uint64_t count);

  const Clock& clock_;
  Log& log_;
  Monotonic since_;
  std::map<wire::Verdict, wire::Verdict> further_;  // by what tells them apart; the last, with how many were not said
  std::uint64_t others_ = 0;
};

}  // namespace loam::report
