#include "proxy/tls/preface.h"

#include <algorithm>
#include <array>

namespace loam::tls {

namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::uint8_t kProxy = 0x21;  // version 2, command PROXY
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;
constexpr std::uint8_t kQuestion = 0xE0;  // the first of the types for applications' own use
constexpr std::size_t kMostRest = 512;    // addresses, and extensions that a later version may send
constexpr std::size_t kExtensionHead = 3;

void put16(std::string& out, std::uint16_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

std::uint16_t take16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

template <class Bytes>
void append(std::string& out, const Bytes& bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

IpAddress takeV4(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, 4> address{};
  std::copy_n(bytes.begin(), address.size(), address.begin());
  return IpAddress::v4(address);
}

IpAddress takeV6(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, 16> address{};
  std::copy_n(bytes.begin(), address.size(), address.begin());
  return IpAddress::v6(address);
}

tl::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorCode::Protocol, "the preface of a proxy: " + std::string(what), ErrorOrigin::Downstream);
}

io::Task<Status> readExactly(Stream& stream, std::span<std::uint8_t> into, Monotonic deadline) {
  while (!into.empty()) {
    const auto count = co_await stream.read(into, deadline);
    if (!count) co_return fail(count.error());
    if (*count == 0) co_return fail(ErrorCode::Closed, "the peer ended within its preface", ErrorOrigin::Downstream);
    into = into.subspan(*count);
  }
  co_return Status();
}

/// `rest` is what follows the head.
Result<Preface> parse(std::uint8_t family, std::span<const std::uint8_t> rest) {
  const std::size_t width = family == kTcp4 ? 4 : 16;
  const std::size_t addresses = 2 * width + 4;
  if (rest.size() < addresses) return wrong("it is too short for its addresses");
  const auto take = family == kTcp4 ? takeV4 : takeV6;
  Preface preface;
  preface.client = {take(rest.first(width)), take16(rest, 2 * width)};
  preface.destination = {take(rest.subspan(width, width)), take16(rest, 2 * width + 2)};
  for (std::size_t at = addresses; at < rest.size();) {
    if (rest.size() - at < kExtensionHead) return wrong("an extension is cut");
    const std::size_t length = take16(rest, at + 1);
    if (rest.size() - at - kExtensionHead < length) return wrong("an extension is cut");
    if (rest[at] == kQuestion) preface.question = true;
    at += kExtensionHead + length;
  }
  if (preface.destination.port == 0) return wrong("it names no port");
  return preface;
}

}  // namespace

std::string encode(const Preface& preface) {
  const bool v4 = preface.client.ip.isV4() && preface.destination.ip.isV4();
  std::string rest;
  for (const SocketAddress* end : {&preface.client, &preface.destination}) {
    if (v4) {
      append(rest, end->ip.v4Bytes());
    } else {
      append(rest, end->ip.bytes());
    }
  }
  put16(rest, preface.client.port);
  put16(rest, preface.destination.port);
  if (preface.question) {
    rest.push_back(static_cast<char>(kQuestion));
    put16(rest, 0);
  }
  std::string out(kSignature);
  out.push_back(static_cast<char>(kProxy));
  out.push_back(static_cast<char>(v4 ? kTcp4 : kTcp6));
  put16(out, static_cast<std::uint16_t>(rest.size()));
  return out + rest;
}

Result<std::size_t> restOf(std::span<const std::uint8_t, kPrefaceHead> head) {
  if (!std::equal(kSignature.begin(), kSignature.end(), head.begin(),
                  [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; })) {
    return wrong("it does not begin as one");
  }
  if (head[12] != kProxy) return wrong("expected version 2 and the command PROXY");
  if (head[13] != kTcp4 && head[13] != kTcp6) return wrong("expected TCP over IPv4 or IPv6");
  const std::size_t size = take16(head, 14);
  if (size > kMostRest) return wrong("it is longer than 512 bytes");
  return size;
}

Result<Preface> decodePreface(std::span<const std::uint8_t> whole) {
  if (whole.size() < kPrefaceHead) return wrong("its head is cut");
  const auto size = restOf(whole.first<kPrefaceHead>());
  if (!size) return fail(size.error());
  const auto rest = whole.subspan(kPrefaceHead);
  if (rest.size() != *size) return wrong("it is not as long as it says");
  return parse(whole[13], rest);
}

io::Task<Result<Preface>> readPreface(Stream& stream, Monotonic deadline) {
  std::array<std::uint8_t, kPrefaceHead + kMostRest> bytes{};
  const std::span<std::uint8_t, kPrefaceHead> head = std::span(bytes).first<kPrefaceHead>();
  const Status begun = co_await readExactly(stream, head, deadline);
  if (!begun) co_return fail(begun.error());
  const auto size = restOf(head);
  if (!size) co_return fail(size.error());
  const Status whole = co_await readExactly(stream, std::span(bytes).subspan(kPrefaceHead, *size), deadline);
  if (!whole) co_return fail(whole.error());
  co_return decodePreface(std::span(bytes).first(kPrefaceHead + *size));
}

io::Task<Result<Answer>> ask(Stream& stream, Preface preface, Monotonic deadline) {
  const std::string text = encode(preface);
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  const Status written = co_await stream.write(bytes, deadline);
  // A peer that refuses our certificate may have cut the connection before: what it said is worth more than that.
  std::array<std::uint8_t, 1> answer{};
  const Status read = co_await readExactly(stream, answer, deadline);
  if (!read) co_return fail(!written && read.error().code == ErrorCode::Closed ? written.error() : read.error());
  if (answer[0] > static_cast<std::uint8_t>(Answer::Failed)) {
    co_return fail(ErrorCode::Protocol, "the other proxy answers " + std::to_string(answer[0]), ErrorOrigin::Upstream);
  }
  co_return static_cast<Answer>(answer[0]);
}

}  // namespace loam::tls
