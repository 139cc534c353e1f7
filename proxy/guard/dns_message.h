#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "proxy/guard/facts.h"

namespace loam::guard {

/// The addresses in a DNS answer (a UDP payload), under the name that was asked for, CNAMEs followed: what a client of
/// that name will dial. Pure. Anything that is not a well-formed, successful answer to one A or AAAA question gives
/// Protocol; no packet makes it loop or read past its end. At most 64 addresses.
Result<std::vector<DnsFact>> parseDnsAnswer(std::span<const std::uint8_t> packet);

/// The UDP payload of an IP packet from port 53; empty when it is none, is a later fragment, or is cut short.
std::span<const std::uint8_t> dnsPayload(std::span<const std::uint8_t> ipPacket);

}  // namespace loam::guard
