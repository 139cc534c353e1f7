#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace loam::decode {

/// "CN=api.example, DNS:api.example, DNS:*.example" of a certificate in DER; empty when it cannot be read. At most 16
/// names and 1 KiB; control bytes become '?'.
std::string summariseCertificate(std::span<const std::uint8_t> der);

}  // namespace loam::decode
