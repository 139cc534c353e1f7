#include "proxy/base/cidr.h"

#include <charconv>

namespace loam {

namespace {

/// Whether every bit of `address` behind the first `bits` is zero, counted in the 16-byte form.
bool isNetwork(const IpAddress& address, unsigned bits) {
  const unsigned kept = address.isV4() ? bits + 96 : bits;
  for (unsigned bit = kept; bit < 128; ++bit) {
    if ((address.bytes()[bit / 8] >> (7 - bit % 8)) & 1) return false;
  }
  return true;
}

}  // namespace

Result<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return fail(ErrorCode::InvalidArgument, "'" + std::string(text) + "' is no address or network");
  const unsigned most = address->isV4() ? 32 : 128;
  if (slash == std::string_view::npos) return Cidr{*address, most};
  const std::string_view tail = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(tail.data(), tail.data() + tail.size(), bits);
  if (error != std::errc() || end != tail.data() + tail.size() || tail.empty() || bits > most) {
    return fail(ErrorCode::InvalidArgument,
                "'" + std::string(text) + "' needs a prefix length of 0 to " + std::to_string(most));
  }
  if (!isNetwork(*address, bits)) {
    return fail(ErrorCode::InvalidArgument, "'" + std::string(text) + "' has bits set behind its prefix");
  }
  return Cidr{*address, bits};
}

bool Cidr::contains(const IpAddress& other) const {
  if (other.isV4() != isV4()) return false;
  const unsigned kept = isV4() ? bits + 96 : bits;
  const std::size_t whole = kept / 8;
  for (std::size_t i = 0; i < whole; ++i) {
    if (address.bytes()[i] != other.bytes()[i]) return false;
  }
  if (kept % 8 == 0) return true;
  const auto differing = static_cast<unsigned>(address.bytes()[whole] ^ other.bytes()[whole]);
  return differing >> (8 - kept % 8) == 0;
}

std::string Cidr::text() const { return address.text() + "/" + std::to_string(bits); }

}  // namespace loam
