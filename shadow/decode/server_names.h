#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "shadow/decode/decoder.h"

namespace loam::decode {

/// Tells each name that a client used for the server once per connection: host without port, lower case. Addresses are
/// no names, and after kMostNames different ones a connection names nothing any more (a flood of hosts costs 64 bytes).
class ServerNames {
 public:
  static constexpr std::size_t kMostNames = 8;

  void report(std::string_view authority, DecoderEvents& events);

 private:
  std::array<std::uint64_t, kMostNames> seen_{};  ///< hashes of the names told
  std::uint64_t last_ = 0;                        ///< of the last authority as it came: nearly always the next one
  std::uint8_t count_ = 0;
};

}  // namespace loam::decode
