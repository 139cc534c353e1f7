#pragma once

#include "proxy/http/http1_head.h"

namespace loam::http {

/// Collects the framing facts of one head, field by field; part of the head parser.
class FactReader {
 public:
  explicit FactReader(Strictness strictness) : strict_(strictness == Strictness::Strict) {}

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
