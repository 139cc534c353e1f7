#include "proxy/guard/preflight.h"

#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "proxy/base/descriptor.h"
#include "proxy/guard/attached_proxy.h"
#include "proxy/guard/closed_rules.h"
#include "proxy/guard/conntrack.h"
#include "proxy/guard/nft.h"
#include "proxy/guard/reply_route.h"
#include "proxy/guard/ruleset.h"
#include "proxy/guard/socket_table.h"
#include "proxy/guard/unix_socket.h"

namespace loam::guard {

namespace {

using Verdict = PreflightCheck::Verdict;

std::string firstWord(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

PreflightCheck kernel() {
  utsname name{};
  ::uname(&name);
  unsigned major = 0;
  unsigned minor = 0;
  const bool read = std::sscanf(name.release, "%u.%u", &major, &minor) == 2;
  const bool enough = read && (major > 5 || (major == 5 && minor >= 10));
  return {"LD-0101", enough ? Verdict::Ok : Verdict::Fail, "kernel 5.10 or newer", name.release,
          enough ? "" : "boot a newer kernel (Debian 12's own is 6.1)"};
}

PreflightCheck privilege() {
  std::ifstream status("/proc/self/status");
  std::uint64_t effective = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) effective = std::stoull(line.substr(7), nullptr, 16);
  }
  const bool has = (effective & (1ull << CAP_NET_ADMIN)) != 0;
  return {"LD-0102", has ? Verdict::Ok : Verdict::Fail, "CAP_NET_ADMIN", has ? "there" : "missing",
          has ? "" : "run as root, or: setpriv --ambient-caps +net_admin --inh-caps +net_admin"};
}

/// The whole rule set, judged by the kernel without being applied: finds a missing nft_redir, nft_fib, nf_conntrack
/// zone support.
PreflightCheck nftables(const Footprint& footprint) {
  PreflightCheck check{"LD-0103", Verdict::Ok, "nftables takes Loam's rules", "yes", ""};
  CaptureSettings all;
  all.outbound = all.inbound = true;
  const std::vector<ClosedWay> closed{{*SocketAddress::parse("192.0.2.1:80"), {}}};
  auto nft = Nft::open();
  const Status status = nft ? nft->check(ruleset::apply(all, footprint, {80}) + ruleset::close(closed, footprint))
                            : Status(fail(nft.error()));
  if (!status) {
    check = {
        check.id, Verdict::Fail, check.what, status.error().context,
        "load the modules: modprobe -a nf_tables nft_redir nft_ct nft_fib_inet nft_reject_inet nft_log nf_conntrack"};
  }
  return check;
}

PreflightCheck conntrack() {
  PreflightCheck check{"LD-0104", Verdict::Ok, "room for tracked connections (two entries each)", "", ""};
  const auto room = readConntrackRoom();
  if (!room) {
    check.measured = "conntrack is not loaded yet";
    return check;
  }
  check.measured = std::to_string(room->count) + " of " + std::to_string(room->limit) + " in use";
  if (room->used() > 0.4) {
    check.verdict = room->used() > 0.8 ? Verdict::Fail : Verdict::Warn;
    check.fix = "sysctl -w net.netfilter.nf_conntrack_max=" + std::to_string(room->limit * 2);
  }
  return check;
}

PreflightCheck listenerPort(const char* id, std::uint16_t port, const char* option) {
  PreflightCheck check{id, Verdict::Ok, "port " + std::to_string(port) + " is free", "free", ""};
  std::vector<SocketFact> sockets = readSockets().value_or(std::vector<SocketFact>());
  for (const SocketFact& socket : sockets) {
    if (!socket.listening || socket.local.port != port || socket.exe == "loam-guard" || socket.exe == "loam-proxy")
      continue;
    check.verdict = Verdict::Fail;
    check.measured = "taken by " + (socket.exe.empty() ? "uid " + std::to_string(socket.uid) : socket.exe) +
                     (socket.pid ? " (pid " + std::to_string(socket.pid) + ")" : "");
    check.fix = std::string("loam-guard ") + option + " PORT";
  }
  return check;
}

PreflightCheck replyRoute(const Footprint& footprint) {
  PreflightCheck check{"LD-0107", Verdict::Ok, "mark, rule priority and routing table are free", "free", ""};
  const Status free = ReplyRoute(footprint).checkFree();
  if (!free)
    check = {check.id, Verdict::Fail, check.what, free.error().context,
             "loam-guard --route-table, --rule-priority, --transparent-mark"};
  return check;
}

PreflightCheck reversePath() {
  // Replies come back over lo with their route attached, so that the filter does not see them; only a route_localnet
  // oddity would.
  const std::string all = firstWord("/proc/sys/net/ipv4/conf/all/rp_filter");
  const std::string lo = firstWord("/proc/sys/net/ipv4/conf/lo/rp_filter");
  return {"LD-0108", Verdict::Ok, "reverse path filter", "all=" + all + " lo=" + lo + " (any value works)", ""};
}

PreflightCheck transparency() {
  PreflightCheck check{"LD-0109", Verdict::Ok, "IP_TRANSPARENT (the server sees the client's address)", "possible", ""};
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (::setsockopt(socket.get(), SOL_IP, IP_TRANSPARENT, &on, sizeof on) != 0) {
    check.verdict = Verdict::Warn;
    check.measured = std::strerror(errno);
    check.fix =
        "give loam-proxy CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW); without it servers see this host's "
        "address";
  }
  return check;
}

PreflightCheck otherTable() {
  PreflightCheck check{"LD-0110", Verdict::Ok, "nobody else owns Loam's table", "free", ""};
  auto nft = Nft::open();
  const auto table = nft ? nft->list("list tables inet") : Result<std::string>(fail(nft.error()));
  const auto claim = unix_socket::claim("loam-guard");
  if (!claim && claim.error().code == ErrorCode::Conflict) {
    check = {check.id, Verdict::Warn, check.what, claim.error().context,
             "loam capture show (it is in charge; a second guard will be refused)"};
  } else if (table && table->find("table inet loam\n") != std::string::npos) {
    check = {check.id, Verdict::Warn, check.what, "a table inet loam without a guard",
             "start loam-guard (it takes it over), or once nothing is relayed: nft delete table inet loam"};
    const auto chains = nft->list("list table inet loam");
    if (chains && chains->find("chain closed_input {") != std::string::npos) {
      check.measured += ", which keeps endpoints closed to plaintext";
      check.fix =
          "start loam-guard (it takes it over); loam capture remove, or without one nft delete table inet loam, "
          "opens them";
    }
  }
  return check;
}

PreflightCheck backlog() {
  const std::string most = firstWord("/proc/sys/net/core/somaxconn");
  const bool enough = std::strtoul(most.c_str(), nullptr, 10) >= 4096;
  return {"LD-0111", enough ? Verdict::Ok : Verdict::Warn, "listen queue of 4096", "net.core.somaxconn=" + most,
          enough ? "" : "sysctl -w net.core.somaxconn=4096"};
}

}  // namespace

std::vector<PreflightCheck> preflight(const Footprint& footprint) {
  return {kernel(),
          privilege(),
          nftables(footprint),
          conntrack(),
          listenerPort("LD-0105", footprint.outboundPort, "--outbound-port"),
          listenerPort("LD-0106", footprint.inboundPort, "--inbound-port"),
          listenerPort("LD-0112", footprint.peerPort, "--peer-port"),
          replyRoute(footprint),
          reversePath(),
          transparency(),
          otherTable(),
          backlog()};
}

}  // namespace loam::guard
