#include "proxy/guard/dns_message.h"

#include <algorithm>
#include <array>

namespace loam::guard {

namespace {

constexpr std::uint16_t kA = 1;
constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kAaaa = 28;
constexpr std::uint16_t kInternet = 1;
constexpr std::size_t kMostName = 255;
constexpr std::size_t kMostAddresses = 64;
constexpr unsigned kMostRecords = 256;
constexpr std::size_t kHeader = 12;
constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint8_t kUdp = 17;

/// Reads forward; past the end it says so once for all and gives zeros.
class Cursor {
 public:
  Cursor(std::span<const std::uint8_t> packet, std::size_t at) : packet_(packet), at_(at) {}

  std::uint8_t u8() {
    if (at_ >= packet_.size()) {
      bad_ = true;
      return 0;
    }
    return packet_[at_++];
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  void skip(std::size_t count) {
    if (count > packet_.size() - std::min(at_, packet_.size())) bad_ = true;
    at_ += count;
  }
  /// A name in lower case without its last dot. Compression may only point backwards, which is what ends every chain of
  /// pointers.
  std::string name();
  std::size_t at() const { return at_; }
  bool bad() const { return bad_; }

 private:
  bool label(unsigned length, std::string& out);

  std::span<const std::uint8_t> packet_;
  std::size_t at_;
  bool bad_ = false;
};

bool Cursor::label(unsigned length, std::string& out) {
  if (out.size() + length + 1 > kMostName) return false;
  if (!out.empty()) out.push_back('.');
  for (unsigned i = 0; i < length; ++i) {
    const std::uint8_t byte = u8();
    // A dot or a control character inside a label would make two names look alike, or a terminal obey.
    if (byte <= ' ' || byte >= 0x7f || byte == '.') return false;
    out.push_back(static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte));
  }
  return !bad_;
}

std::string Cursor::name() {
  std::string out;
  std::size_t lowest = at_;
  std::size_t after = 0;  // where reading goes on once a pointer was followed
  while (!bad_) {
    const std::uint8_t length = u8();
    if (length == 0) break;
    if ((length & 0xc0) == 0xc0) {
      const std::size_t target = (length & 0x3fu) << 8 | u8();
      if (after == 0) after = at_;
      if (target >= lowest) bad_ = true;
      lowest = at_ = target;
    } else if ((length & 0xc0) != 0 || !label(length, out)) {
      bad_ = true;
    }
  }
  if (after != 0) at_ = after;
  return out;
}

struct Record {
  std::string owner;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::string target;  // of a CNAME
  IpAddress address;
};

std::array<std::uint8_t, 16> sixteen(Cursor& cursor) {
  std::array<std::uint8_t, 16> bytes;
  for (auto& byte : bytes) byte = cursor.u8();
  return bytes;
}

/// False where the record breaks the packet; one of a type that does not matter comes back with type 0.
bool readRecord(Cursor& cursor, Record& record) {
  record.owner = cursor.name();
  const std::uint16_t type = cursor.u16();
  const std::uint16_t family = cursor.u16();
  record.ttl = cursor.u32();
  const std::uint16_t length = cursor.u16();
  const std::size_t end = cursor.at() + length;
  if (family == kInternet && type == kA && length == 4) {
    record.address = IpAddress::v4({cursor.u8(), cursor.u8(), cursor.u8(), cursor.u8()});
  } else if (family == kInternet && type == kAaaa && length == 16) {
    record.address = IpAddress::v6(sixteen(cursor));
  } else if (family == kInternet && type == kCname) {
    record.target = cursor.name();
  } else {
    cursor.skip(length);
    return !cursor.bad();
  }
  record.type = type;
  return !cursor.bad() && cursor.at() == end;
}

/// The names that `asked` leads to: itself and what CNAMEs make of it. Each record is used at most once, so a ring
/// ends.
std::vector<std::string> aliases(const std::string& asked, const std::vector<Record>& records) {
  std::vector<std::string> names{asked};
  for (std::size_t turn = 0; turn < records.size(); ++turn) {
    const std::size_t before = names.size();
    for (const Record& record : records) {
      const auto known = [&](const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
      };
      if (record.type == kCname && known(record.owner) && !known(record.target)) names.push_back(record.target);
    }
    if (names.size() == before) break;
  }
  return names;
}

}  // namespace

Result<std::vector<DnsFact>> parseDnsAnswer(std::span<const std::uint8_t> packet) {
  const auto broken = [] { return fail(ErrorCode::Protocol, "not a DNS answer to one address question"); };
  if (packet.size() < kHeader) return broken();
  Cursor cursor(packet, 2);
  const std::uint16_t flags = cursor.u16();
  const std::uint16_t questions = cursor.u16();
  const std::uint16_t answers = cursor.u16();
  cursor.skip(4);
  // A response (QR), of a plain query (opcode 0), that succeeded (rcode 0).
  if ((flags & 0x8000) == 0 || (flags & 0x7800) != 0 || (flags & 0x000f) != 0 || questions != 1) return broken();
  const std::string asked = cursor.name();
  const std::uint16_t type = cursor.u16();
  if (cursor.u16() != kInternet || (type != kA && type != kAaaa) || cursor.bad() || asked.empty()) return broken();

  std::vector<Record> records;
  for (unsigned i = 0; i < answers && i < kMostRecords; ++i) {
    Record record;
    if (!readRecord(cursor, record)) {
      if ((flags & 0x0200) != 0) break;  // truncated by the server: what came before stands
      return broken();
    }
    if (record.type != 0) records.push_back(std::move(record));
  }
  const std::vector<std::string> names = aliases(asked, records);
  std::vector<DnsFact> facts;
  for (const Record& record : records) {
    if (record.type != type || facts.size() >= kMostAddresses) continue;
    if (std::find(names.begin(), names.end(), record.owner) != names.end())
      facts.push_back({asked, record.address, record.ttl});
  }
  return facts;
}

std::span<const std::uint8_t> dnsPayload(std::span<const std::uint8_t> packet) {
  constexpr std::size_t kUdpHeader = 8;
  if (packet.empty()) return {};
  std::size_t header = 0;
  if (packet[0] >> 4 == 4) {
    header = (packet[0] & 0xfu) * 4;
    if (packet.size() < 20 || header < 20 || packet[9] != kUdp) return {};
    if (((packet[6] & 0x1f) << 8 | packet[7]) != 0) return {};  // a later fragment has no UDP header
  } else if (packet[0] >> 4 == 6) {
    header = 40;
    if (packet.size() < 40 || packet[6] != kUdp) return {};
  }
  if (header == 0 || packet.size() < header + kUdpHeader) return {};
  const auto udp = packet.subspan(header);
  if ((udp[0] << 8 | udp[1]) != kDnsPort) return {};
  const std::size_t length = static_cast<std::size_t>(udp[4] << 8 | udp[5]);
  if (length < kUdpHeader) return {};
  return udp.subspan(kUdpHeader, std::min(length, udp.size()) - kUdpHeader);
}

}  // namespace loam::guard
