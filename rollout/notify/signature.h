#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace loam::notify {

/// HMAC-SHA256 in lower-case hex.
std::string hmacSha256Hex(std::string_view secret, std::string_view text);

/// The header Loam-Signature: "t=UNIX,v1=HEX", the HMAC of "UNIX.BODY". The time is signed too, so that what somebody
/// overheard cannot be sent again later.
std::string signatureOf(std::string_view secret, std::int64_t unixSeconds, std::string_view body);

}  // namespace loam::notify
