#include "proxy/guard/protocol.h"

#include "proxy/guard/packet.h"

namespace loam::guard::protocol {

namespace {

// 2: a release may hand over, and its answer says whether it did. 3: a footprint has the port for proxies. 4: what is
// closed to plaintext.
constexpr std::uint8_t kVersion = 4;

enum class Part : std::uint8_t { Last = 0, More = 1, Failed = 2 };

void put(PacketWriter& out, const CaptureSettings& settings) {
  const auto port = [&](std::uint16_t value) { out.u16(value); };
  const auto user = [&](std::uint32_t value) { out.u32(value); };
  const auto cidr = [&](const Cidr& value) { out.text(value.text()); };
  out.flag(settings.outbound);
  out.flag(settings.inbound);
  out.list(settings.inboundPorts, port);
  out.list(settings.includePorts, port);
  out.list(settings.excludePorts, port);
  out.list(settings.includeAddresses, cidr);
  out.list(settings.excludeAddresses, cidr);
  out.list(settings.includeUsers, user);
  out.list(settings.excludeUsers, user);
  out.flag(settings.dnsAnswers);
  out.flag(settings.notrackOwn);
}

Result<CaptureSettings> getSettings(PacketReader& in) {
  CaptureSettings settings;
  Status cidrs;
  const auto port = [&] { return in.u16(); };
  const auto user = [&] { return in.u32(); };
  const auto cidr = [&] {
    auto parsed = Cidr::parse(in.text());
    if (!parsed) cidrs = fail(parsed.error());
    return parsed.value_or(Cidr{});
  };
  settings.outbound = in.flag();
  settings.inbound = in.flag();
  settings.inboundPorts = in.list(port);
  settings.includePorts = in.list(port);
  settings.excludePorts = in.list(port);
  settings.includeAddresses = in.list(cidr);
  settings.excludeAddresses = in.list(cidr);
  settings.includeUsers = in.list(user);
  settings.excludeUsers = in.list(user);
  settings.dnsAnswers = in.flag();
  settings.notrackOwn = in.flag();
  if (!cidrs) return fail(cidrs.error());
  return settings;
}

void put(PacketWriter& out, const Footprint& footprint) {
  out.u16(footprint.outboundPort);
  out.u16(footprint.inboundPort);
  out.u16(footprint.peerPort);
  out.u32(footprint.mark);
  out.u32(footprint.transparentMark);
  out.u16(footprint.zone);
  out.u32(footprint.routeTable);
  out.u32(footprint.rulePriority);
  out.u16(footprint.dnsGroup);
  out.u32(footprint.proxyUser);
}

Footprint getFootprint(PacketReader& in) {
  Footprint footprint;
  footprint.outboundPort = in.u16();
  footprint.inboundPort = in.u16();
  footprint.peerPort = in.u16();
  footprint.mark = in.u32();
  footprint.transparentMark = in.u32();
  footprint.zone = in.u16();
  footprint.routeTable = in.u32();
  footprint.rulePriority = in.u32();
  footprint.dnsGroup = in.u16();
  footprint.proxyUser = in.u32();
  return footprint;
}

void put(PacketWriter& out, const std::vector<ClosedWay>& ways) {
  out.list(ways, [&](const ClosedWay& way) { out.address(way.to), out.address(way.from); });
}

std::vector<ClosedWay> getWays(PacketReader& in) {
  return in.list([&] {
    const SocketAddress to = in.socketAddress();
    return ClosedWay{to, in.ip()};
  });
}

/// The fields of each request, in the order in which they are read back.
struct Fields {
  PacketWriter& out;
  void operator()(const Attach& request) const { out.u16(request.workers); }
  void operator()(const Engage&) const {}
  void operator()(const Release& request) const { out.flag(request.handOver); }
  void operator()(const Bypass& request) const { out.address(request.destination), out.u32(request.seconds); }
  void operator()(const Facts&) const {}
  void operator()(const Apply& request) const { put(out, request.settings), out.flag(request.dryRun); }
  void operator()(const Show&) const {}
  void operator()(const Remove& request) const { out.flag(request.now); }
  void operator()(const KeepClosed& request) const { put(out, request.ways), out.flag(request.more); }
};

Result<Request> getRequest(PacketReader& in, std::uint8_t kind) {
  switch (kind) {
    case 0:
      return Attach{in.u16()};
    case 1:
      return Engage{};
    case 2:
      return Release{in.flag()};
    case 3: {
      const SocketAddress destination = in.socketAddress();
      return Bypass{destination, in.u32()};
    }
    case 4:
      return Facts{};
    case 5: {
      auto settings = getSettings(in);
      if (!settings) return fail(settings.error());
      return Apply{std::move(*settings), in.flag()};
    }
    case 6:
      return Show{};
    case 7:
      return Remove{in.flag()};
    case 8: {
      auto ways = getWays(in);
      return KeepClosed{std::move(ways), in.flag()};
    }
    default:
      return fail(ErrorCode::Protocol, "unknown request " + std::to_string(kind));
  }
}

void put(PacketWriter& out, const SocketFact& fact) {
  out.address(fact.local);
  out.address(fact.remote);
  out.flag(fact.listening);
  out.u32(fact.uid);
  out.u32(fact.mark);
  out.u64(fact.inode);
  out.u32(fact.pid);
  out.text(fact.exe);
  out.text(fact.unit);
}

SocketFact getSocketFact(PacketReader& in) {
  SocketFact fact;
  fact.local = in.socketAddress();
  fact.remote = in.socketAddress();
  fact.listening = in.flag();
  fact.uid = in.u32();
  fact.mark = in.u32();
  fact.inode = in.u64();
  fact.pid = in.u32();
  fact.exe = in.text();
  fact.unit = in.text();
  return fact;
}

DnsFact getDnsFact(PacketReader& in) {
  DnsFact fact;
  fact.name = in.text();
  fact.address = in.ip();
  fact.ttl = in.u32();
  return fact;
}

template <class T>
Result<T> finished(const PacketReader& in, T value) {
  LOAM_TRY(in.finish());
  return value;
}

}  // namespace

std::string encode(const Request& request) {
  PacketWriter out;
  out.u8(kVersion);
  out.u8(static_cast<std::uint8_t>(request.index()));
  std::visit(Fields{out}, request);
  return out.take();
}

Result<Request> decodeRequest(std::string_view packet) {
  PacketReader in(packet);
  if (in.u8() != kVersion)
    return fail(ErrorCode::Protocol, "loam-guard speaks version " + std::to_string(kVersion) + " of its protocol only");
  auto request = getRequest(in, in.u8());
  if (!request) return request;
  return finished(in, std::move(*request));
}

std::string encode(const Attached& attached) {
  PacketWriter out;
  out.u16(attached.outbound);
  out.u16(attached.inbound);
  out.u32(attached.terms.mark);
  out.u32(attached.terms.transparentMark);
  out.flag(attached.terms.transparent);
  out.text(attached.terms.whyNotTransparent);
  return out.take();
}

Result<Attached> decodeAttached(std::string_view body) {
  PacketReader in(body);
  Attached attached;
  attached.outbound = in.u16();
  attached.inbound = in.u16();
  attached.terms.mark = in.u32();
  attached.terms.transparentMark = in.u32();
  attached.terms.transparent = in.flag();
  attached.terms.whyNotTransparent = in.text();
  return finished(in, std::move(attached));
}

std::string encode(const Departure& departure) {
  PacketWriter out;
  out.flag(departure.succeeded);
  return out.take();
}

Result<Departure> decodeDeparture(std::string_view body) {
  PacketReader in(body);
  Departure departure;
  departure.succeeded = in.flag();
  return finished(in, departure);
}

std::string encode(const HostFacts& facts) {
  PacketWriter out;
  out.list(facts.sockets, [&](const SocketFact& fact) { put(out, fact); });
  out.list(facts.dns, [&](const DnsFact& fact) { out.text(fact.name), out.address(fact.address), out.u32(fact.ttl); });
  return out.take();
}

Result<HostFacts> decodeFacts(std::string_view body) {
  PacketReader in(body);
  HostFacts facts;
  facts.sockets = in.list([&] { return getSocketFact(in); });
  facts.dns = in.list([&] { return getDnsFact(in); });
  return finished(in, std::move(facts));
}

std::string encode(const CaptureView& view) {
  PacketWriter out;
  out.flag(view.applied);
  out.flag(view.alive);
  out.flag(view.removing);
  out.text(view.whyNotAlive);
  out.u32(view.proxyPid);
  out.u32(view.workers);
  out.u32(view.relayed);
  out.text(view.whyNotTransparent);
  out.text(view.rules);
  put(out, view.closed);
  put(out, view.settings);
  put(out, view.footprint);
  return out.take();
}

Result<CaptureView> decodeView(std::string_view body) {
  PacketReader in(body);
  CaptureView view;
  view.applied = in.flag();
  view.alive = in.flag();
  view.removing = in.flag();
  view.whyNotAlive = in.text();
  view.proxyPid = in.u32();
  view.workers = in.u32();
  view.relayed = in.u32();
  view.whyNotTransparent = in.text();
  view.rules = in.text();
  view.closed = getWays(in);
  auto settings = getSettings(in);
  if (!settings) return fail(settings.error());
  view.settings = std::move(*settings);
  view.footprint = getFootprint(in);
  return finished(in, std::move(view));
}

std::string encodeHolds(bool holds) {
  PacketWriter out;
  out.flag(holds);
  return out.take();
}

Result<bool> decodeHolds(std::string_view body) {
  PacketReader in(body);
  const bool holds = in.flag();
  return finished(in, holds);
}

std::string encode(const Removal& removal) {
  PacketWriter out;
  out.flag(removal.removed);
  out.u32(removal.relayed);
  out.u32(removal.opened);
  return out.take();
}

Result<Removal> decodeRemoval(std::string_view body) {
  PacketReader in(body);
  Removal removal;
  removal.removed = in.flag();
  removal.relayed = in.u32();
  removal.opened = in.u32();
  return finished(in, removal);
}

std::vector<std::string> answer(std::string_view body) {
  std::vector<std::string> packets;
  do {
    const std::string_view part = body.substr(0, kMostPacket);
    body.remove_prefix(part.size());
    packets.push_back(static_cast<char>(body.empty() ? Part::Last : Part::More) + std::string(part));
  } while (!body.empty());
  return packets;
}

std::vector<std::string> answer(const Error& error) {
  PacketWriter out;
  out.u8(static_cast<std::uint8_t>(Part::Failed));
  out.u8(static_cast<std::uint8_t>(error.code));
  out.text(std::string_view(error.context).substr(0, kMostPacket / 2));
  return {out.take()};
}

Result<bool> collect(std::string_view packet, std::string& body) {
  PacketReader in(packet);
  const std::uint8_t part = in.u8();
  if (packet.empty() || part > static_cast<std::uint8_t>(Part::Failed)) {
    return fail(ErrorCode::Protocol, "loam-guard answered with something else");
  }
  if (part != static_cast<std::uint8_t>(Part::Failed)) {
    body.append(in.rest());
    return part == static_cast<std::uint8_t>(Part::Last);
  }
  const std::uint8_t code = in.u8();
  std::string context = in.text();
  LOAM_TRY(in.finish());
  if (code > static_cast<std::uint8_t>(ErrorCode::Io)) return fail(ErrorCode::Protocol, std::move(context));
  return fail(static_cast<ErrorCode>(code), std::move(context));
}

}  // namespace loam::guard::protocol
