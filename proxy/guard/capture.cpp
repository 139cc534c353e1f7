#include "proxy/guard/capture.h"

#include "proxy/guard/ruleset.h"
#include "proxy/guard/socket_table.h"

namespace loam::guard {

Status Capture::put(const CaptureSettings& settings) {
  std::vector<std::uint16_t> listening;
  if (settings.inbound) {
    auto found = socket_table::listeningPorts();
    if (!found) return fail(found.error());
    listening = std::move(*found);
  }
  LOAM_TRY(nft_.run(ruleset::apply(settings, footprint_, listening)));
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

Result<bool> Capture::refresh() {
  if (!applied()) return false;
  bool lost = false;
  if (settings_->inbound && whyNotTransparent_.empty()) {
    const auto present = route_.present();
    if (!present) return fail(present.error());
    if (!*present) {
      lost = true;
      LOAM_TRY(route_.add());
    }
  }
  const auto table = nft_.list("list chains inet");
  if (!table) return fail(table.error());
  if (table->find("table inet loam {") == std::string::npos) {
    LOAM_TRY(put(*settings_));
    return true;
  }
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
  LOAM_TRY(nft_.run(ruleset::remove()));
  settings_.reset();
  inboundPorts_.clear();
  return route_.remove();
}

Result<std::string> Capture::rules() {
  if (!applied()) return std::string();
  return nft_.list("list table inet loam");
}

}  // namespace loam::guard
