#include "proxy/guard/capture.h"

#include "proxy/guard/closed_rules.h"
#include "proxy/guard/ruleset.h"
#include "proxy/guard/socket_table.h"

namespace loam::guard {

namespace {

/// Loam's own part of what `list chains inet` prints; empty without a table.
std::string ownPart(const std::string& listed) {
  const std::size_t start = listed.find("table inet loam {");
  if (start == std::string::npos) return "";
  return listed.substr(start, listed.find("\n}", start) - start);
}

bool hasChain(const std::string& part, const char* name) {
  return part.find(std::string("chain ") + name + " {") != std::string::npos;
}

}  // namespace

Status Capture::put(const CaptureSettings& settings) {
  std::vector<std::uint16_t> listening;
  if (settings.inbound) {
    auto found = socket_table::listeningPorts();
    if (!found) return fail(found.error());
    listening = std::move(*found);
  }
  const std::string closed = closed_ ? ruleset::close(*closed_, footprint_) : "";
  LOAM_TRY(nft_.run(ruleset::apply(settings, footprint_, listening) + closed));
  inboundPorts_ = ruleset::inboundPorts(settings, footprint_, std::move(listening));
  return {};
}

Status Capture::apply(const CaptureSettings& settings) {
  LOAM_TRY(check(settings));
  LOAM_TRY(route_.checkFree());
  if (settings.inbound) {
    const Status added = route_.add();
    if (!added && added.error().code != ErrorCode::Unsupported) return added;
    whyNotTransparent_ = added ? std::string() : "this kernel cannot route replies back: " + added.error().context;
  }
  const Status put = this->put(settings);
  if (!put) {
    if (!applied()) (void)route_.remove();
    return put;
  }
  settings_ = settings;
  return {};
}

Status Capture::renew(unsigned seconds) {
  const Status renewed = nft_.run(ruleset::renew(seconds));
  if (renewed || renewed.error().code != ErrorCode::NotFound || !applied()) return renewed;
  LOAM_TRY(put(*settings_));
  return nft_.run(ruleset::renew(seconds));
}

Status Capture::revoke() {
  const Status revoked = nft_.run(ruleset::revoke());
  // No table: nothing is redirected.
  if (!revoked && revoked.error().code == ErrorCode::NotFound) return {};
  return revoked;
}

Status Capture::bypass(const SocketAddress& destination, unsigned seconds) {
  return nft_.run(ruleset::bypass(destination, seconds));
}

Status Capture::close(std::vector<ClosedWay> ways) {
  const auto listed = nft_.list("list chains inet");
  if (!listed) return fail(listed.error());
  const std::string part = ownPart(*listed);
  const bool alone = !hasChain(part, "outbound");
  const bool flushed = applied() && alone;
  if (!ways.empty()) {
    LOAM_TRY(nft_.run(ruleset::close(ways, footprint_)));
  } else if (!part.empty()) {
    LOAM_TRY(nft_.run(alone ? ruleset::remove() : ruleset::close(ways, footprint_)));
  }
  closed_ = std::move(ways);
  return flushed ? put(*settings_) : Status();  // another program had taken the rest away
}

/// `chains` as ownPart() gives them.
Result<bool> Capture::refreshClosed(const std::string& chains) {
  if (closed().empty() || (hasChain(chains, "closed_input") && hasChain(chains, "closed_forward"))) return false;
  LOAM_TRY(nft_.run(ruleset::close(*closed_, footprint_)));
  return true;
}

Result<bool> Capture::refresh() {
  const auto table = nft_.list("list chains inet");
  if (!table) return fail(table.error());
  const std::string chains = ownPart(*table);
  if (!applied()) return refreshClosed(chains);
  bool lost = false;
  if (settings_->inbound && whyNotTransparent_.empty()) {
    const auto present = route_.present();
    if (!present) return fail(present.error());
    if (!*present) {
      lost = true;
      LOAM_TRY(route_.add());
    }
  }
  if (!hasChain(chains, "outbound")) {
    LOAM_TRY(put(*settings_));
    return true;
  }
  const auto reclosed = refreshClosed(chains);
  if (!reclosed) return reclosed;
  lost = lost || *reclosed;
  if (!settings_->inbound) return lost;
  auto listening = socket_table::listeningPorts();
  if (!listening) return fail(listening.error());
  const auto wanted = ruleset::inboundPorts(*settings_, footprint_, std::move(*listening));
  if (wanted != inboundPorts_) {
    LOAM_TRY(nft_.run(ruleset::inboundPorts(wanted)));
    inboundPorts_ = wanted;
  }
  return lost;
}

Result<unsigned> Capture::relayed() const {
  return socket_table::relayed({footprint_.outboundPort, footprint_.inboundPort});
}

Status Capture::remove() {
  const auto listed = nft_.list("list chains inet");
  if (!listed) return fail(listed.error());
  const std::string part = ownPart(*listed);
  LOAM_TRY(nft_.run(hasChain(part, "closed_input") ? ruleset::removeCapture() : ruleset::remove()));
  settings_.reset();
  inboundPorts_.clear();
  return route_.remove();
}

Result<std::string> Capture::rules() {
  if (!holds()) return std::string();
  return nft_.list("list table inet loam");
}

}  // namespace loam::guard
