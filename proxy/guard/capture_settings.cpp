#include "proxy/guard/capture_settings.h"

#include <algorithm>
#include <string>

namespace loam::guard {

namespace {

constexpr std::size_t kMostEntries = 1024;

template <class T>
Status bounded(const std::vector<T>& list, const char* what) {
  if (list.size() <= kMostEntries) return {};
  return fail(ErrorCode::InvalidArgument,
              std::string("more than ") + std::to_string(kMostEntries) + " " + what + " in the capture settings");
}

Status ports(const std::vector<std::uint16_t>& list, const char* what) {
  LOAM_TRY(bounded(list, what));
  if (std::find(list.begin(), list.end(), 0) == list.end()) return {};
  return fail(ErrorCode::InvalidArgument, std::string("port 0 among the ") + what);
}

}  // namespace

Status check(const CaptureSettings& settings) {
  LOAM_TRY(ports(settings.inboundPorts, "inbound ports"));
  LOAM_TRY(ports(settings.includePorts, "included ports"));
  LOAM_TRY(ports(settings.excludePorts, "excluded ports"));
  LOAM_TRY(bounded(settings.includeAddresses, "included addresses"));
  LOAM_TRY(bounded(settings.excludeAddresses, "excluded addresses"));
  LOAM_TRY(bounded(settings.includeUsers, "included users"));
  return bounded(settings.excludeUsers, "excluded users");
}

Status check(const Footprint& footprint) {
  if (footprint.outboundPort == 0 || footprint.inboundPort == 0 || footprint.outboundPort == footprint.inboundPort) {
    return fail(ErrorCode::InvalidArgument, "the outbound and the inbound listener need two different ports");
  }
  if (footprint.peerPort == 0 || footprint.peerPort == footprint.outboundPort ||
      footprint.peerPort == footprint.inboundPort) {
    return fail(ErrorCode::InvalidArgument, "the port for proxies must be another than those of the listeners");
  }
  if (footprint.mark == 0 || footprint.transparentMark == 0 || footprint.mark == footprint.transparentMark) {
    return fail(ErrorCode::InvalidArgument, "the two marks must differ and not be 0");
  }
  if (footprint.zone == 0) return fail(ErrorCode::InvalidArgument, "the conntrack zone must not be 0");
  const std::uint32_t table = footprint.routeTable;
  if (table == 0 || (table >= 253 && table <= 255)) {
    return fail(ErrorCode::InvalidArgument, "routing table " + std::to_string(table) + " is the system's own");
  }
  if (footprint.rulePriority == 0 || footprint.rulePriority >= 32766) {
    return fail(ErrorCode::InvalidArgument,
                "the rule's priority must stand between the local and the main table (1 to 32765)");
  }
  return {};
}

}  // namespace loam::guard
