#pragma once

#include "shadow/decode/registry.h"

namespace loam::decode {

/// The first message of a PostgreSQL client, which has no type byte: its length, then a code that says what it wants.
struct PostgresStartup {
  static constexpr std::uint32_t kProtocol3 = 3;  ///< the upper half of a StartupMessage's code
  static constexpr std::uint32_t kCancelRequest = 80877102;
  static constexpr std::uint32_t kSslRequest = 80877103;
  static constexpr std::uint32_t kGssRequest = 80877104;
  static constexpr std::uint32_t kMostLength = 10'000;  ///< what the server itself accepts

  static bool plausible(std::uint32_t length, std::uint32_t code);
};

/// Says Yes to a client that opens with a StartupMessage of protocol 3, an SSLRequest, a GSSENCRequest or a
/// CancelRequest.
Match matchPostgres(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);

}  // namespace loam::decode
