#include "shadow/decode/proxy_preface.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

namespace loam::decode {
namespace {

constexpr std::string_view kVersion1 = "PROXY ";
constexpr std::size_t kLongestVersion1 = 107;
constexpr std::string_view kVersion2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kHeaderOfVersion2 = 16;

std::string_view takeWord(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
  return word;
}

bool parsePort(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

ProxyPreface parseVersion1(std::string_view text) {
  const std::size_t line = text.substr(0, kLongestVersion1).find("\r\n");
  if (line == std::string_view::npos) return {text.size() < kLongestVersion1 ? Match::NeedMore : Match::No, 0, {}};
  ProxyPreface found{Match::Yes, line + 2, {}};
  std::string_view rest = text.substr(kVersion1.size(), line - kVersion1.size());
  const std::string_view family = takeWord(rest);
  if (family == "UNKNOWN") return found;
  if (family != "TCP4" && family != "TCP6") return {};
  const Result<IpAddress> source = IpAddress::parse(takeWord(rest));
  const Result<IpAddress> destination = IpAddress::parse(takeWord(rest));
  std::uint16_t sourcePort = 0;
  std::uint16_t destinationPort = 0;
  if (!source || !destination || !parsePort(takeWord(rest), sourcePort)) return {};
  if (!parsePort(rest, destinationPort)) return {};
  found.client = SocketAddress{*source, sourcePort};
  return found;
}

template <std::size_t N>
std::array<std::uint8_t, N> arrayAt(std::span<const std::uint8_t> bytes, std::size_t offset) {
  std::array<std::uint8_t, N> array{};
  std::memcpy(array.data(), bytes.data() + offset, N);
  return array;
}

ProxyPreface parseVersion2(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeaderOfVersion2) return {Match::NeedMore, 0, {}};
  const unsigned command = bytes[12];
  const std::size_t length = static_cast<std::size_t>(bytes[14]) << 8 | bytes[15];
  if (command != 0x20 && command != 0x21) return {};
  ProxyPreface found{Match::Yes, kHeaderOfVersion2 + length, {}};
  const unsigned family = bytes[13];
  const std::size_t addresses = family == 0x11 ? 12 : family == 0x21 ? 36 : 0;
  if (command == 0x20 || addresses == 0) return found;
  if (length < addresses) return {};
  if (bytes.size() < kHeaderOfVersion2 + addresses) return {Match::NeedMore, 0, {}};
  SocketAddress client;
  client.ip = family == 0x11 ? IpAddress::v4(arrayAt<4>(bytes, 16)) : IpAddress::v6(arrayAt<16>(bytes, 16));
  const std::size_t port = kHeaderOfVersion2 + addresses - 4;
  client.port = static_cast<std::uint16_t>(bytes[port] << 8 | bytes[port + 1]);
  found.client = client;
  return found;
}

}  // namespace

ProxyPreface parseProxyPreface(std::span<const std::uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.substr(0, kVersion1.size()) == kVersion1.substr(0, text.size())) {
    return text.size() < kVersion1.size() ? ProxyPreface{Match::NeedMore, 0, {}} : parseVersion1(text);
  }
  if (text.substr(0, kVersion2.size()) == kVersion2.substr(0, text.size())) {
    return text.size() < kVersion2.size() ? ProxyPreface{Match::NeedMore, 0, {}} : parseVersion2(bytes);
  }
  return {};
}

}  // namespace loam::decode
