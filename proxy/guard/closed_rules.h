#pragma once

#include <string>
#include <vector>

#include "proxy/guard/capture_settings.h"
#include "proxy/guard/closed_endpoint.h"

namespace loam::guard::ruleset {

/// The part of the table that keeps endpoints closed to plaintext: it answers with a reset what comes from elsewhere to
/// one of them and was not redirected to the proxy. No element of it has a timeout, so it outlives proxy and guard. It
/// looks where destinations are final (input), and at what another program's NAT leads on to a container (forward).

/// Brings this part to `ways`, whatever it was, in one transaction; the rest of the table stays. Gone when empty.
std::string close(const std::vector<ClosedWay>& ways, const Footprint& footprint);

}  // namespace loam::guard::ruleset
