#pragma once

#include "proxy/http/http1_head.h"

namespace loam::http {

/// Collects the framing facts of one head, field by field; part of the head parser.
class FactReader {
 public:
  explicit FactReader(Strictness strictness) : strict_(strictness == Strictness::Strict) {}

  /// Whether a name's length is that of a field which says a fact: rules out most of them at once.
  static bool mayTake(std::string_view name) {
    constexpr std::uint32_t kLengths = 1U << 4 | 1U << 6 | 1U << 7 | 1U << 10 | 1U << 14 | 1U << 17;
    return name.size() < 32 && (kLengths >> name.size() & 1U) != 0;
  }
  HeadFault take(const HeaderField& field, HeadFacts& facts);
  /// After the last field. `request`: a request's head, which needs a Host in strict 1.1.
  HeadFault finish(bool request, std::uint8_t minorVersion, HeadFacts& facts) const;

 private:
  HeadFault takeLength(std::string_view value, HeadFacts& facts);
  HeadFault takeCoding(std::string_view value, HeadFacts& facts);
  void takeConnection(std::string_view value, HeadFacts& facts);

  bool strict_;
  bool coded_ = false;
  bool close_ = false;
  bool keepAlive_ = false;
  bool upgradeSeen_ = false;
  std::uint8_t hosts_ = 0;
};

}  // namespace loam::http
