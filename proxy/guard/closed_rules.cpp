#include "proxy/guard/closed_rules.h"

#include <array>

namespace loam::guard::ruleset {

namespace {

constexpr const char* kChains[] = {"closed_input", "closed_forward"};
// After the filters of others (firewalld's stands at 10): what they drop, they still drop in silence.
constexpr const char* kHooks[] = {"type filter hook input priority 20", "type filter hook forward priority 20"};

/// One of the sets: the ways of one family, to a port or to all, from anywhere or from certain sources.
struct Shape {
  bool v4;
  bool onePort;
  bool fromSome;

  bool holds(const ClosedWay& way) const {
    return way.to.ip.isV4() == v4 && (way.to.port != 0) == onePort && !way.from.isUnspecified() == fromSome;
  }
  std::string name() const {
    return std::string("closed") + (onePort ? "" : "_hosts") + (fromSome ? "_from" : "") + (v4 ? "4" : "6");
  }
  std::string declaration() const {
    const std::string address = v4 ? "ipv4_addr" : "ipv6_addr";
    return "add set inet loam " + name() + " { type " + (fromSome ? address + " . " : "") + address +
           (onePort ? " . inet_service" : "") + " ; size " + std::to_string(kMostClosedWays) + " ; }\n";
  }
  std::string element(const ClosedWay& way) const {
    return (fromSome ? way.from.text() + " . " : "") + way.to.ip.text() +
           (onePort ? " . " + std::to_string(way.to.port) : "");
  }
  /// By the destination as it is now, or `original`ly, before anybody's NAT.
  std::string match(bool original) const {
    const std::string ip = v4 ? "ip " : "ip6 ";
    return "meta l4proto tcp " + (fromSome ? ip + "saddr . " : "") + (original ? "ct original " : "") + ip + "daddr" +
           (onePort ? original ? " . ct original proto-dst" : " . tcp dport" : "") + " @" + name();
  }
};

std::array<Shape, 8> shapes() {
  std::array<Shape, 8> all{};
  for (unsigned i = 0; i < all.size(); ++i) all[i] = {(i & 1) == 0, (i & 2) == 0, (i & 4) != 0};
  return all;
}

void rule(std::string& text, const char* chain, const std::string& body) {
  text.append("add rule inet loam ").append(chain).append(" ").append(body).append("\n");
}

/// What is let pass: all but the opening segment, what this host says to itself (the proxy's own dials in a client's
/// name come over lo), and what comes to Loam's listeners, redirected or by TLS.
void exceptions(std::string& text, const Footprint& footprint) {
  for (const char* chain : kChains) {
    rule(text, chain, "meta l4proto != tcp return");
    rule(text, chain, "tcp flags & (fin|syn|rst|ack) != syn return");
  }
  rule(text, "closed_input", "iifname \"lo\" return");
  rule(text, "closed_input", "fib saddr type local return");
  rule(text, "closed_input",
       "tcp dport { " + std::to_string(footprint.outboundPort) + ", " + std::to_string(footprint.inboundPort) + ", " +
           std::to_string(footprint.peerPort) + " } return");
  // Forwarded traffic was never this host's own, unless somebody's NAT (Docker's published ports) made it that.
  rule(text, "closed_forward", "ct status & dnat != dnat return");
}

void fill(std::string& text, const Shape& shape, const std::vector<ClosedWay>& ways) {
  std::string elements;
  for (const ClosedWay& way : ways) {
    if (shape.holds(way)) elements.append(elements.empty() ? "" : ", ").append(shape.element(way));
  }
  text.append("flush set inet loam " + shape.name() + "\n");
  if (!elements.empty()) text.append("add element inet loam " + shape.name() + " { " + elements + " }\n");
}

}  // namespace

std::string close(const std::vector<ClosedWay>& ways, const Footprint& footprint) {
  constexpr const char* kReject = " counter reject with tcp reset";
  std::string text = "add table inet loam\n";
  for (std::size_t i = 0; i < std::size(kChains); ++i) {
    const std::string chain = std::string("chain inet loam ") + kChains[i];
    text.append("add " + chain + " { " + kHooks[i] + " ; policy accept ; }\nflush " + chain + "\n");
    if (ways.empty()) text.append("delete " + chain + "\n");
  }
  if (!ways.empty()) exceptions(text, footprint);
  for (const Shape& shape : shapes()) {
    text.append(shape.declaration());
    if (ways.empty()) {
      text.append("delete set inet loam " + shape.name() + "\n");
      continue;
    }
    fill(text, shape, ways);
    rule(text, "closed_input", shape.match(false) + kReject);
    rule(text, "closed_input", shape.match(true) + kReject);
    rule(text, "closed_forward", shape.match(true) + kReject);
  }
  return text;
}

}  // namespace loam::guard::ruleset
