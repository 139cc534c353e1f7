#include "shadow/decode/tls_hello.h"

#include <algorithm>
#include <array>

namespace loam::decode {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kRandom = 32;
constexpr std::uint16_t kServerName = 0;
constexpr std::uint16_t kAlpn = 16;
constexpr std::uint16_t kSupportedVersions = 43;
/// The random of a ServerHello that is a HelloRetryRequest (RFC 8446, 4.1.3).
constexpr std::array<std::uint8_t, kRandom> kRetryRandom = {
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

/// Takes numbers and vectors off a message's front; once something is missing everything after it is empty and ok()
/// false.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  Bytes take(std::size_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const Bytes taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  std::uint16_t number(std::size_t size) {
    unsigned value = 0;
    for (const std::uint8_t byte : take(size)) value = value << 8 | byte;
    return static_cast<std::uint16_t>(value);
  }
  /// A vector whose length stands in `size` bytes ahead of it.
  Bytes vector(std::size_t size) { return take(number(size)); }
  bool empty() const { return bytes_.empty(); }
  bool ok() const { return ok_; }

 private:
  Bytes bytes_;
  bool ok_ = true;
};

std::string_view textOf(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// The first host name of a server_name extension.
std::string_view parseServerName(Bytes body) {
  Reader list(Reader(body).vector(2));
  while (!list.empty()) {
    const std::uint16_t type = list.number(1);
    const Bytes name = list.vector(2);
    if (list.ok() && type == 0) return textOf(name);
  }
  return {};
}

std::string_view parseFirstProtocol(Bytes body) { return textOf(Reader(Reader(body).vector(2)).vector(1)); }

}  // namespace

std::optional<ClientHello> parseClientHello(Bytes body) {
  Reader reader(body);
  reader.take(2 + kRandom);
  reader.vector(1);
  reader.vector(2);
  reader.vector(1);
  ClientHello hello;
  // Extensions may be missing altogether.
  Reader extensions(reader.empty() ? Bytes() : reader.vector(2));
  while (!extensions.empty()) {
    const std::uint16_t type = extensions.number(2);
    const Bytes content = extensions.vector(2);
    if (type == kServerName) hello.serverName = parseServerName(content);
    if (type == kAlpn) hello.alpn = parseFirstProtocol(content);
  }
  if (!reader.ok() || !extensions.ok()) return std::nullopt;
  return hello;
}

std::optional<ServerHello> parseServerHello(Bytes body) {
  Reader reader(body);
  ServerHello hello;
  hello.version = reader.number(2);
  const Bytes random = reader.take(kRandom);
  hello.retry = std::equal(random.begin(), random.end(), kRetryRandom.begin(), kRetryRandom.end());
  reader.vector(1);
  reader.take(3);
  Reader extensions(reader.empty() ? Bytes() : reader.vector(2));
  while (!extensions.empty()) {
    const std::uint16_t type = extensions.number(2);
    const Bytes content = extensions.vector(2);
    if (type == kSupportedVersions) hello.version = Reader(content).number(2);
    if (type == kAlpn) hello.alpn = parseFirstProtocol(content);
  }
  if (!reader.ok() || !extensions.ok()) return std::nullopt;
  return hello;
}

}  // namespace loam::decode
