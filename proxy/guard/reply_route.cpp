#include "proxy/guard/reply_route.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>

#include "proxy/base/descriptor.h"
#include "proxy/guard/netlink.h"

namespace loam::guard {

namespace {

/// `ip rule` and `ip route` show it as "proto 76".
constexpr std::uint8_t kProtocol = 76;
constexpr std::array<int, 2> kFamilies{AF_INET, AF_INET6};

struct Request {
  alignas(nlmsghdr) std::array<char, 512> bytes{};
  nlmsghdr* header(std::uint16_t type, std::uint16_t flags) {
    nlmsghdr* message = ::mnl_nlmsg_put_header(bytes.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = flags;
    return message;
  }
};

/// A rule or a route as a dump shows it, as far as it matters here.
struct Entry {
  std::uint32_t table = 0;
  std::uint32_t mark = 0;
  std::uint32_t priority = 0;
  std::uint8_t protocol = 0;
};

std::uint32_t u32(const nlattr* attribute) {
  return ::mnl_attr_get_payload_len(attribute) >= 4 ? ::mnl_attr_get_u32(attribute) : 0;
}

Entry readRule(const nlmsghdr& message) {
  Entry entry;
  entry.table = static_cast<const fib_rule_hdr*>(::mnl_nlmsg_get_payload(&message))->table;
  eachAttribute(message, sizeof(fib_rule_hdr), [&](std::uint16_t type, const nlattr* attribute) {
    if (type == FRA_TABLE) entry.table = u32(attribute);
    if (type == FRA_FWMARK) entry.mark = u32(attribute);
    if (type == FRA_PRIORITY) entry.priority = u32(attribute);
    if (type == FRA_PROTOCOL) entry.protocol = ::mnl_attr_get_u8(attribute);
  });
  return entry;
}

Entry readRoute(const nlmsghdr& message) {
  Entry entry;
  const auto* route = static_cast<const rtmsg*>(::mnl_nlmsg_get_payload(&message));
  entry.table = route->rtm_table;
  entry.protocol = route->rtm_protocol;
  eachAttribute(message, sizeof(rtmsg), [&](std::uint16_t type, const nlattr* attribute) {
    if (type == RTA_TABLE) entry.table = u32(attribute);
  });
  return entry;
}

Result<std::vector<Entry>> rules(Netlink& netlink, int family) {
  Request request;
  nlmsghdr* message = request.header(RTM_GETRULE, 0);
  static_cast<fib_rule_hdr*>(::mnl_nlmsg_put_extra_header(message, sizeof(fib_rule_hdr)))->family =
      static_cast<std::uint8_t>(family);
  std::vector<Entry> found;
  LOAM_TRY(netlink.dump(
      message, [&](const nlmsghdr& answer) { found.push_back(readRule(answer)); }, "listing ip rules"));
  return found;
}

Result<std::vector<Entry>> routes(Netlink& netlink, int family, std::uint32_t table) {
  Request request;
  nlmsghdr* message = request.header(RTM_GETROUTE, 0);
  static_cast<rtmsg*>(::mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)))->rtm_family =
      static_cast<std::uint8_t>(family);
  ::mnl_attr_put_u32(message, RTA_TABLE, table);
  std::vector<Entry> found;
  const auto keep = [&](const nlmsghdr& answer) {
    const Entry entry = readRoute(answer);
    if (entry.table == table) found.push_back(entry);
  };
  const Status status = netlink.dump(message, keep, "listing ip routes");
  // Asking strictly for a table that does not exist yet is ENOENT.
  if (!status && status.error().code != ErrorCode::NotFound) return fail(status.error());
  return found;
}

Status changeRule(Netlink& netlink, int family, const Footprint& footprint, bool add) {
  Request request;
  nlmsghdr* message = add ? request.header(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL) : request.header(RTM_DELRULE, 0);
  auto* rule = static_cast<fib_rule_hdr*>(::mnl_nlmsg_put_extra_header(message, sizeof(fib_rule_hdr)));
  rule->family = static_cast<std::uint8_t>(family);
  rule->action = FR_ACT_TO_TBL;
  rule->table = RT_TABLE_UNSPEC;
  ::mnl_attr_put_u32(message, FRA_PRIORITY, footprint.rulePriority);
  ::mnl_attr_put_u32(message, FRA_FWMARK, footprint.transparentMark);
  ::mnl_attr_put_u32(message, FRA_FWMASK, 0xffffffff);
  ::mnl_attr_put_u32(message, FRA_TABLE, footprint.routeTable);
  ::mnl_attr_put_u8(message, FRA_PROTOCOL, kProtocol);
  return netlink.request(message, add ? "adding the reply rule" : "removing the reply rule");
}

Status changeRoute(Netlink& netlink, int family, const Footprint& footprint, bool add) {
  Request request;
  nlmsghdr* message = add ? request.header(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL) : request.header(RTM_DELROUTE, 0);
  auto* route = static_cast<rtmsg*>(::mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  route->rtm_family = static_cast<std::uint8_t>(family);
  route->rtm_table = RT_TABLE_UNSPEC;
  route->rtm_protocol = kProtocol;
  route->rtm_scope = RT_SCOPE_HOST;
  route->rtm_type = RTN_LOCAL;
  ::mnl_attr_put_u32(message, RTA_TABLE, footprint.routeTable);
  ::mnl_attr_put_u32(message, RTA_OIF, ::if_nametoindex("lo"));
  return netlink.request(message, add ? "adding the reply route" : "removing the reply route");
}

bool ours(const Entry& entry) { return entry.protocol == kProtocol; }

/// Whether IPv6 is there at all: a kernel booted with ipv6.disable=1 knows no such family.
bool familyExists(int family) {
  const int probe = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const Descriptor closing(probe);
  return probe >= 0;
}

Result<Netlink> open() {
  auto netlink = Netlink::open(NETLINK_ROUTE);
  if (netlink) netlink->filterStrictly();
  return netlink;
}

}  // namespace

Status ReplyRoute::checkFree() const {
  auto netlink = open();
  if (!netlink) return fail(netlink.error());
  for (const int family : kFamilies) {
    if (!familyExists(family)) continue;
    const auto present = rules(*netlink, family);
    if (!present) return fail(present.error());
    for (const Entry& rule : *present) {
      const bool mark = rule.mark == footprint_.transparentMark || rule.mark == footprint_.mark;
      if (ours(rule) || (!mark && rule.table != footprint_.routeTable && rule.priority != footprint_.rulePriority))
        continue;
      return fail(ErrorCode::Conflict,
                  "an ip rule of another program (priority " + std::to_string(rule.priority) + ", mark " +
                      std::to_string(rule.mark) + ", table " + std::to_string(rule.table) +
                      ") uses what Loam would: choose another --transparent-mark, --route-table or --rule-priority");
    }
    const auto taken = routes(*netlink, family, footprint_.routeTable);
    if (!taken) return fail(taken.error());
    for (const Entry& route : *taken) {
      if (ours(route)) continue;
      return fail(ErrorCode::Conflict, "routing table " + std::to_string(footprint_.routeTable) +
                                           " holds routes of another program: choose another --route-table");
    }
  }
  return {};
}

Status ReplyRoute::add() const {
  auto netlink = open();
  if (!netlink) return fail(netlink.error());
  for (const int family : kFamilies) {
    if (!familyExists(family)) continue;
    const Status route = changeRoute(*netlink, family, footprint_, true);
    if (!route && route.error().code != ErrorCode::Conflict) return route;
    const Status rule = changeRule(*netlink, family, footprint_, true);
    if (!rule && rule.error().code != ErrorCode::Conflict) return rule;
  }
  return {};
}

Status ReplyRoute::remove() const {
  auto netlink = open();
  if (!netlink) return fail(netlink.error());
  for (const int family : kFamilies) {
    if (!familyExists(family)) continue;
    const auto present = rules(*netlink, family);
    if (!present) return fail(present.error());
    for (const Entry& rule : *present) {
      if (ours(rule) && rule.mark == footprint_.transparentMark)
        LOAM_TRY(changeRule(*netlink, family, footprint_, false));
    }
    const auto taken = routes(*netlink, family, footprint_.routeTable);
    if (!taken) return fail(taken.error());
    for (const Entry& route : *taken) {
      if (ours(route)) LOAM_TRY(changeRoute(*netlink, family, footprint_, false));
    }
  }
  return {};
}

Result<bool> ReplyRoute::present() const {
  auto netlink = open();
  if (!netlink) return fail(netlink.error());
  const auto ruled = rules(*netlink, AF_INET);
  if (!ruled) return fail(ruled.error());
  const auto routed = routes(*netlink, AF_INET, footprint_.routeTable);
  if (!routed) return fail(routed.error());
  return std::any_of(ruled->begin(), ruled->end(), ours) && std::any_of(routed->begin(), routed->end(), ours);
}

}  // namespace loam::guard
