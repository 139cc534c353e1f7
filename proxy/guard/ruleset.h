#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/guard/capture_settings.h"

namespace loam::guard {

/// The texts of nft transactions for the one table, `inet loam`, that Loam owns. Pure. It stands beside the tables of
/// others: its nat chains run just before dstnat (-105), so that the proxy's own dial meets whatever Docker or
/// firewalld do next.
namespace ruleset {

/// Brings the table to `settings`, whatever it was, in one transaction; the dead-man element and bypasses live on in
/// it. `listening` is what the inbound side may take now (see inboundPorts).
std::string apply(const CaptureSettings& settings, const Footprint& footprint,
                  const std::vector<std::uint16_t>& listening);

/// Adding an element again does not refresh its timeout: flush and add, together.
std::string renew(unsigned seconds);
std::string revoke();
std::string bypass(const SocketAddress& destination, unsigned seconds);
std::string inboundPorts(const std::vector<std::uint16_t>& listening);
/// Works whether the table is there or not.
std::string remove();
/// Leaves what closed_rules.h put there, untouched.
std::string removeCapture();

/// Of the ports that have a listener, those that `settings` lets the inbound side take; sorted, each once.
std::vector<std::uint16_t> inboundPorts(const CaptureSettings& settings, const Footprint& footprint,
                                        std::vector<std::uint16_t> listening);

}  // namespace ruleset
}  // namespace loam::guard
