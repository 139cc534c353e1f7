#include "shadow/observe/edge_key.h"

#include <array>

#include "shadow/observe/text_hash.h"

namespace loam::observe {

std::string_view name(Sight sight) {
  switch (sight) {
    case Sight::Outbound:
      return "outbound";
    case Sight::Inbound:
      return "inbound";
    case Sight::Explicit:
      return "explicit";
    case Sight::Inventory:
      return "inventory";
  }
  return "explicit";
}

std::string_view tlsName(std::uint16_t version) {
  switch (version) {
    case 0x0300:
      return "SSLv3";
    case 0x0301:
      return "TLSv1.0";
    case 0x0302:
      return "TLSv1.1";
    case 0x0303:
      return "TLSv1.2";
    case 0x0304:
      return "TLSv1.3";
    default:
      return "";
  }
}

std::size_t EdgeKeyHash::operator()(const EdgeKey& key) const noexcept {
  std::array<char, 48> bytes{};
  std::memcpy(bytes.data(), key.client.bytes().data(), 16);
  std::memcpy(bytes.data() + 16, key.destination.ip.bytes().data(), 16);
  std::memcpy(bytes.data() + 32, &key.destination.port, 2);
  std::memcpy(bytes.data() + 34, &key.owner, 4);
  std::memcpy(bytes.data() + 38, &key.identity, 4);
  std::memcpy(bytes.data() + 42, &key.tls, 2);
  std::memcpy(bytes.data() + 44, &key.security, 2);
  bytes[46] = static_cast<char>(key.sight);
  bytes[47] = static_cast<char>(key.protocol);
  return textHash({bytes.data(), bytes.size()}, seed);
}

}  // namespace loam::observe
