#include "proxy/guard/capture_options.h"

#include "proxy/guard/settings_file.h"

namespace loam::guard {

namespace {

/// Appends what `parse` makes of each text: a T or a vector of T.
template <class T, class Parse>
Status append(std::vector<T>& out, const std::vector<std::string>& texts, Parse parse) {
  for (const std::string& text : texts) {
    auto value = parse(text);
    if (!value) return fail(value.error());
    if constexpr (std::is_same_v<std::decay_t<decltype(*value)>, T>) {
      out.push_back(*value);
    } else {
      out.insert(out.end(), value->begin(), value->end());
    }
  }
  return {};
}

}  // namespace

void CaptureOptions::declare(CLI::App& command) {
  command.add_flag("--outbound", outbound_, "connections that this host's processes open");
  command
      .add_option("--inbound", inbound_,
                  "connections to these ports of this host, where something listens: 80,443,8000-8002 or all")
      ->option_text("PORTS");
  command.add_option("--include-port", includePorts_, "outbound: these destination ports only")->option_text("PORTS");
  command.add_option("--exclude-port", excludePorts_, "never these destination ports")->option_text("PORTS");
  command.add_option("--include-address", includeAddresses_, "these far addresses or networks only")
      ->option_text("CIDR");
  command.add_option("--exclude-address", excludeAddresses_, "never these far addresses or networks")
      ->option_text("CIDR");
  command.add_option("--include-user", includeUsers_, "outbound: processes of these users only")->option_text("USER");
  command.add_option("--exclude-user", excludeUsers_, "outbound: never processes of these users")->option_text("USER");
  command.add_flag("--no-dns", noDns_, "do not look at DNS answers");
  command.add_flag("--notrack-own", notrackOwn_,
                   "keep the proxy's outbound dials out of conntrack (breaks stateful firewalls)");
}

Status CaptureOptions::addTo(CaptureSettings& settings) const {
  settings.outbound = settings.outbound || outbound_;
  settings.inbound = settings.inbound || !inbound_.empty();
  if (noDns_) settings.dnsAnswers = false;
  if (notrackOwn_) settings.notrackOwn = true;
  if (!inbound_.empty() && inbound_ != "all") LOAM_TRY(append(settings.inboundPorts, {inbound_}, parsePorts));
  LOAM_TRY(append(settings.includePorts, includePorts_, parsePorts));
  LOAM_TRY(append(settings.excludePorts, excludePorts_, parsePorts));
  LOAM_TRY(append(settings.includeAddresses, includeAddresses_, Cidr::parse));
  LOAM_TRY(append(settings.excludeAddresses, excludeAddresses_, Cidr::parse));
  LOAM_TRY(append(settings.includeUsers, includeUsers_, parseUser));
  LOAM_TRY(append(settings.excludeUsers, excludeUsers_, parseUser));
  return check(settings);
}

}  // namespace loam::guard
