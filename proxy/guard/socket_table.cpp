#include "proxy/guard/socket_table.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#include <array>
#include <cstring>

#include "proxy/guard/netlink.h"

namespace loam::guard::socket_table {

namespace {

constexpr std::uint32_t bit(unsigned state) { return 1u << state; }

IpAddress addressOf(std::uint8_t family, const __be32* words) {
  std::array<std::uint8_t, 16> sixteen{};
  std::memcpy(sixteen.data(), words, 16);
  if (family == AF_INET6) return IpAddress::v6(sixteen);
  return IpAddress::v4({sixteen[0], sixteen[1], sixteen[2], sixteen[3]});
}

SocketFact read(const nlmsghdr& message, const inet_diag_msg& diag) {
  SocketFact fact;
  fact.local = {addressOf(diag.idiag_family, diag.id.idiag_src), ntohs(diag.id.idiag_sport)};
  fact.remote = {addressOf(diag.idiag_family, diag.id.idiag_dst), ntohs(diag.id.idiag_dport)};
  fact.listening = diag.idiag_state == TCP_LISTEN;
  if (fact.listening) fact.remote = {};
  fact.uid = diag.idiag_uid;
  fact.inode = diag.idiag_inode;
  eachAttribute(message, sizeof(inet_diag_msg), [&](std::uint16_t type, const nlattr* attribute) {
    if (type == INET_DIAG_MARK && ::mnl_attr_get_payload_len(attribute) >= 4) fact.mark = ::mnl_attr_get_u32(attribute);
  });
  return fact;
}

Status visitFamily(Netlink& netlink, int family, std::uint32_t states, std::uint16_t localPort,
                   const std::function<void(const SocketFact&, unsigned)>& each) {
  alignas(nlmsghdr) std::array<char, 256> bytes{};
  nlmsghdr* message = ::mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
  auto* request = static_cast<inet_diag_req_v2*>(::mnl_nlmsg_put_extra_header(message, sizeof(inet_diag_req_v2)));
  request->sdiag_family = static_cast<std::uint8_t>(family);
  request->sdiag_protocol = IPPROTO_TCP;
  request->idiag_states = states;
  request->idiag_ext = 0xff & (1 << (INET_DIAG_MARK - 1));
  request->id.idiag_sport = htons(localPort);
  const auto show = [&](const nlmsghdr& answer) {
    if (::mnl_nlmsg_get_payload_len(&answer) < sizeof(inet_diag_msg)) return;
    const auto& diag = *static_cast<const inet_diag_msg*>(::mnl_nlmsg_get_payload(&answer));
    each(read(answer, diag), diag.idiag_state);
  };
  return netlink.dump(message, show, "reading the socket table");
}

}  // namespace

Status visit(std::uint32_t states, std::uint16_t localPort,
             const std::function<void(const SocketFact&, unsigned)>& each) {
  auto netlink = Netlink::open(NETLINK_SOCK_DIAG);
  if (!netlink) return fail(netlink.error());
  LOAM_TRY(visitFamily(*netlink, AF_INET, states, localPort, each));
  const Status six = visitFamily(*netlink, AF_INET6, states, localPort, each);
  // A host without IPv6 has no such table.
  if (!six && six.error().code != ErrorCode::NotFound && six.error().code != ErrorCode::Unsupported) return six;
  return {};
}

Result<std::vector<std::uint16_t>> listeningPorts() {
  std::vector<std::uint16_t> ports;
  LOAM_TRY(visit(bit(TCP_LISTEN), 0, [&](const SocketFact& fact, unsigned) {
    if (!fact.local.ip.isLoopback()) ports.push_back(fact.local.port);
  }));
  return ports;
}

Result<unsigned> relayed(const std::vector<std::uint16_t>& ports) {
  constexpr std::uint32_t kOpen = bit(TCP_ESTABLISHED) | bit(TCP_SYN_RECV) | bit(TCP_CLOSE_WAIT) | bit(TCP_FIN_WAIT2);
  constexpr std::uint32_t kUnacknowledged = bit(TCP_FIN_WAIT1) | bit(TCP_CLOSING) | bit(TCP_LAST_ACK);
  unsigned count = 0;
  for (const std::uint16_t port : ports) {
    LOAM_TRY(visit(kOpen | kUnacknowledged, port, [&](const SocketFact& fact, unsigned state) {
      // In FIN_WAIT2 without an owner nothing more will be sent.
      if (state != TCP_FIN_WAIT2 || fact.inode != 0) ++count;
    }));
  }
  return count;
}

}  // namespace loam::guard::socket_table
