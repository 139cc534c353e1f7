#include "proxy/guard/ruleset.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace loam::guard::ruleset {

namespace {

constexpr const char* kOpening = "tcp flags & (fin|syn|rst|ack) == syn meta l4proto @alive";

/// Every chain of capture, with its hook.
constexpr std::pair<const char*, const char*> kChains[] = {
    {"outbound", "type nat hook output priority -105"},
    {"inbound", "type nat hook prerouting priority -105"},
    {"own", "type filter hook output priority -300"},
    {"reply_route", "type route hook output priority -150"},
    {"reply_mark", "type filter hook prerouting priority -150"},
    {"own_replies", "type filter hook prerouting priority -300"},
    {"dns", "type filter hook input priority -150"},
};

std::string hookOf(std::string_view name) {
  for (const auto& [chain, hook] : kChains) {
    if (name == chain) return hook;
  }
  return "";
}

std::string number(std::uint64_t value) { return std::to_string(value); }

template <class List, class Text>
std::string braces(const List& list, Text text) {
  std::string out = "{ ";
  for (const auto& entry : list) out.append(out.size() > 2 ? ", " : "").append(text(entry));
  return out + " }";
}

template <class T>
std::string numbers(const std::vector<T>& list) {
  return braces(list, [](T value) { return number(value); });
}

std::vector<Cidr> ofFamily(const std::vector<Cidr>& all, bool v4) {
  std::vector<Cidr> some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some), [v4](const Cidr& c) { return c.isV4() == v4; });
  return some;
}

/// Collects lines; `rule` names its chain.
class Text {
 public:
  void line(const std::string& text) { out_.append(text).append("\n"); }
  void rule(const std::string& chain, const std::string& body) { line("add rule inet loam " + chain + " " + body); }
  void chain(const std::string& name, const std::string& hook) {
    line("add chain inet loam " + name + " { " + hook + " ; policy accept ; }");
    line("flush chain inet loam " + name);
  }
  void noChain(const std::string& name, const std::string& hook) {
    chain(name, hook);
    line("delete chain inet loam " + name);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void skeleton(Text& text) {
  text.line("add table inet loam");
  text.line("add set inet loam alive { type inet_proto ; flags timeout ; }");
  text.line("add set inet loam bypass4 { type ipv4_addr . inet_service ; flags timeout ; size 65536 ; }");
  text.line("add set inet loam bypass6 { type ipv6_addr . inet_service ; flags timeout ; size 65536 ; }");
  text.line("add set inet loam inbound_ports { type inet_service ; }");
  // Always both: taking the last nat chain away stops the kernel translating connections that are under way.
  for (const char* chain : {"outbound", "inbound", "own", "reply_route", "reply_mark"})
    text.chain(chain, hookOf(chain));
}

/// Dials that bind a foreign client's address. Their forward direction has a conntrack zone of its own, so that they
/// may take the client's very port; the answers of the local server, addressed to a host elsewhere, are marked and so
/// routed back here.
void transparentDials(Text& text, const Footprint& footprint) {
  const std::string mark = number(footprint.transparentMark);
  text.rule("own", "meta mark " + mark + " ct original zone set " + number(footprint.zone));
  text.rule("reply_route", "meta mark " + mark + " ct mark set " + mark);
  text.rule("reply_route", "ct direction reply ct mark " + mark + " meta mark set " + mark);
  text.rule("reply_mark", "ct direction reply ct mark " + mark + " meta mark set " + mark);
}

void notrackOwn(Text& text, const CaptureSettings& settings, const Footprint& footprint) {
  const std::string hook = hookOf("own_replies");
  if (!settings.notrackOwn) return text.noChain("own_replies", hook);
  text.chain("own_replies", hook);
  text.rule("own", "meta mark " + number(footprint.mark) + " notrack");
  text.rule("own_replies", "socket mark " + number(footprint.mark) + " notrack");
}

/// `side` is "daddr" outbound, "saddr" inbound.
void addresses(Text& text, const std::string& chain, const std::string& side, const CaptureSettings& settings) {
  const auto cidr = [](const Cidr& c) { return c.text(); };
  for (const bool v4 : {true, false}) {
    const std::string field = std::string(v4 ? "ip " : "ip6 ") + side;
    const auto excluded = ofFamily(settings.excludeAddresses, v4);
    if (!excluded.empty()) text.rule(chain, field + " " + braces(excluded, cidr) + " return");
    if (settings.includeAddresses.empty()) continue;
    const auto included = ofFamily(settings.includeAddresses, v4);
    if (included.empty()) {
      text.rule(chain, std::string("meta nfproto ") + (v4 ? "ipv4" : "ipv6") + " return");
    } else {
      text.rule(chain, field + " != " + braces(included, cidr) + " return");
    }
  }
}

void redirect(Text& text, const std::string& chain, const std::string& match, std::uint16_t port) {
  for (const bool v4 : {true, false}) {
    const std::string bypass = v4 ? "ip daddr . tcp dport != @bypass4" : "ip6 daddr . tcp dport != @bypass6";
    text.rule(chain, match + kOpening + " " + bypass + " counter redirect to :" + number(port));
  }
}

void outbound(Text& text, const CaptureSettings& settings, const Footprint& footprint) {
  text.rule("outbound", "meta l4proto != tcp return");
  text.rule("outbound",
            "meta mark { " + number(footprint.mark) + ", " + number(footprint.transparentMark) + " } return");
  if (footprint.proxyUser != 0) text.rule("outbound", "meta skuid " + number(footprint.proxyUser) + " return");
  if (!settings.excludeUsers.empty()) text.rule("outbound", "meta skuid " + numbers(settings.excludeUsers) + " return");
  if (!settings.includeUsers.empty())
    text.rule("outbound", "meta skuid != " + numbers(settings.includeUsers) + " return");
  const std::vector<std::uint16_t> own{footprint.outboundPort, footprint.inboundPort, footprint.peerPort};
  text.rule("outbound", "tcp dport " + numbers(own) + " fib daddr type local return");
  if (!settings.excludePorts.empty()) text.rule("outbound", "tcp dport " + numbers(settings.excludePorts) + " return");
  if (!settings.includePorts.empty())
    text.rule("outbound", "tcp dport != " + numbers(settings.includePorts) + " return");
  addresses(text, "outbound", "daddr", settings);
  redirect(text, "outbound", "", footprint.outboundPort);
}

void inbound(Text& text, const CaptureSettings& settings, const Footprint& footprint) {
  text.rule("inbound", "meta l4proto != tcp return");
  text.rule("inbound", "fib daddr type != local return");
  addresses(text, "inbound", "saddr", settings);
  redirect(text, "inbound", "tcp dport @inbound_ports ", footprint.inboundPort);
}

void dns(Text& text, const CaptureSettings& settings, const Footprint& footprint) {
  const std::string hook = hookOf("dns");
  if (!settings.dnsAnswers) return text.noChain("dns", hook);
  text.chain("dns", hook);
  text.rule("dns", "udp sport 53 log group " + number(footprint.dnsGroup));
}

}  // namespace

std::string apply(const CaptureSettings& settings, const Footprint& footprint,
                  const std::vector<std::uint16_t>& listening) {
  Text text;
  skeleton(text);
  transparentDials(text, footprint);
  notrackOwn(text, settings, footprint);
  if (settings.outbound) outbound(text, settings, footprint);
  if (settings.inbound) inbound(text, settings, footprint);
  dns(text, settings, footprint);
  return text.take() + inboundPorts(inboundPorts(settings, footprint, listening));
}

std::string renew(unsigned seconds) {
  return "flush set inet loam alive\nadd element inet loam alive { tcp timeout " + number(seconds) + "s }\n";
}

std::string revoke() { return "flush set inet loam alive\n"; }

std::string bypass(const SocketAddress& destination, unsigned seconds) {
  return std::string("add element inet loam ") + (destination.ip.isV4() ? "bypass4" : "bypass6") + " { " +
         destination.ip.text() + " . " + number(destination.port) + " timeout " + number(seconds) + "s }\n";
}

std::string inboundPorts(const std::vector<std::uint16_t>& listening) {
  std::string text = "flush set inet loam inbound_ports\n";
  if (!listening.empty()) text.append("add element inet loam inbound_ports ").append(numbers(listening)).append("\n");
  return text;
}

std::string removeCapture() {
  Text text;
  skeleton(text);
  for (const auto& [chain, hook] : kChains) text.noChain(chain, hook);
  for (const char* set : {"alive", "bypass4", "bypass6", "inbound_ports"}) {
    text.line(std::string("delete set inet loam ") + set);
  }
  return text.take();
}

std::string remove() { return "add table inet loam\ndelete table inet loam\n"; }

std::vector<std::uint16_t> inboundPorts(const CaptureSettings& settings, const Footprint& footprint,
                                        std::vector<std::uint16_t> listening) {
  const auto among = [](const std::vector<std::uint16_t>& list, std::uint16_t port) {
    return std::find(list.begin(), list.end(), port) != list.end();
  };
  const auto refused = [&](std::uint16_t port) {
    const bool own = port == footprint.outboundPort || port == footprint.inboundPort || port == footprint.peerPort;
    if (!settings.inbound || own) return true;
    if (among(settings.excludePorts, port)) return true;
    return !settings.inboundPorts.empty() && !among(settings.inboundPorts, port);
  };
  std::erase_if(listening, refused);
  std::sort(listening.begin(), listening.end());
  listening.erase(std::unique(listening.begin(), listening.end()), listening.end());
  return listening;
}

}  // namespace loam::guard::ruleset
