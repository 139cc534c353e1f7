#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/guard/capture_settings.h"
#include "proxy/guard/closed_endpoint.h"
#include "proxy/guard/nft.h"
#include "proxy/guard/reply_route.h"

namespace loam::guard {

/// The kernel's side of capture: the table and the reply route, brought to what is wanted and taken away without a
/// trace. Nothing is redirected until renew(), and not for longer than its timeout. One thread.
class Capture {
 public:
  Capture(Nft nft, const Footprint& footprint) : nft_(std::move(nft)), footprint_(footprint), route_(footprint) {}

  /// Idempotent, atomic; connections that are under way go on as they are. Conflict when the mark, the table of routes
  /// or an nftables chain is somebody else's.
  Status apply(const CaptureSettings& settings);
  /// Makes redirects match for `seconds` from now, or not at all.
  Status renew(unsigned seconds);
  Status revoke();
  Status bypass(const SocketAddress& destination, unsigned seconds);
  /// Closes exactly these ways to plaintext, with capture or without it; a table that holds nothing else goes with the
  /// last of them.
  Status close(std::vector<ClosedWay> ways);
  /// Follows listeners that come and go; puts back what another program took away (`nft flush ruleset`,
  /// systemd-networkd's rules). True when something had been lost.
  Result<bool> refresh();
  /// Connections still relayed: cut when remove() comes before their end.
  Result<unsigned> relayed() const;
  /// All but what is closed.
  Status remove();
  /// Whether there is something that refresh() would put back.
  bool holds() const { return applied() || !closed().empty(); }
  /// What is closed, as far as it was said; the kernel may have more from a guard before.
  std::vector<ClosedWay> closed() const { return closed_.value_or(std::vector<ClosedWay>()); }

  bool applied() const { return settings_.has_value(); }
  /// What was applied last; the defaults (nothing captured) before.
  CaptureSettings settings() const { return settings_.value_or(CaptureSettings{}); }
  const Footprint& footprint() const { return footprint_; }
  /// The table as nft prints it.
  Result<std::string> rules();
  /// Why dials cannot bind a client's address here; empty when they can.
  const std::string& whyNotTransparent() const { return whyNotTransparent_; }

 private:
  Status put(const CaptureSettings& settings);
  Result<bool> refreshClosed(const std::string& chains);

  Nft nft_;
  Footprint footprint_;
  ReplyRoute route_;
  std::optional<CaptureSettings> settings_;
  std::optional<std::vector<ClosedWay>> closed_;  ///< empty until it is said: the kernel's stays
  std::vector<std::uint16_t> inboundPorts_;
  std::string whyNotTransparent_;
};

}  // namespace loam::guard
