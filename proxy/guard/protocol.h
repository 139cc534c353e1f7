#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "proxy/guard/guard_client.h"

namespace loam::guard {

/// What a client may ask, one SOCK_SEQPACKET packet each: a version byte, a kind byte, the fields. Nothing else is
/// understood.
namespace protocol {

constexpr std::size_t kMostPacket = 60 * 1024;
constexpr unsigned kMostWorkers = 62;
/// Linux passes at most 253 descriptors in a packet.
constexpr std::size_t kMostDescriptors = 250;

struct Attach {
  std::uint16_t workers = 0;
};
struct Engage {};
struct Release {
  bool handOver = false;
};
struct Bypass {
  SocketAddress destination;
  std::uint32_t seconds = 0;
};
struct Facts {};
struct Apply {
  CaptureSettings settings;
  bool dryRun = false;
};
struct Show {};
struct Remove {
  bool now = false;
};
/// A part of what is to be closed; carried out with the last one. Each is answered.
struct KeepClosed {
  std::vector<ClosedWay> ways;
  bool more = false;
};
constexpr std::size_t kMostWaysAtOnce = 1024;
using Request = std::variant<Attach, Engage, Release, Bypass, Facts, Apply, Show, Remove, KeepClosed>;

std::string encode(const Request& request);
/// Protocol for anything that encode() would not have written.
Result<Request> decodeRequest(std::string_view packet);

/// What Attach is answered with, beside the descriptors: outbound ones first.
struct Attached {
  std::uint16_t outbound = 0;
  std::uint16_t inbound = 0;
  CaptureTerms terms;
};
std::string encode(const Attached& attached);
Result<Attached> decodeAttached(std::string_view body);
std::string encode(const Departure& departure);
Result<Departure> decodeDeparture(std::string_view body);
std::string encode(const HostFacts& facts);
Result<HostFacts> decodeFacts(std::string_view body);
std::string encode(const CaptureView& view);
Result<CaptureView> decodeView(std::string_view body);
/// What KeepClosed is answered with: whether it holds, or has to wait.
std::string encodeHolds(bool holds);
Result<bool> decodeHolds(std::string_view body);
std::string encode(const Removal& removal);
Result<Removal> decodeRemoval(std::string_view body);

/// An answer as packets: its body in parts, each behind a byte that says whether more follow; or an error in one.
std::vector<std::string> answer(std::string_view body);
std::vector<std::string> answer(const Error& error);
/// Adds one packet to `body`. True when the answer is whole; the guard's error comes back as the error.
Result<bool> collect(std::string_view packet, std::string& body);

}  // namespace protocol
}  // namespace loam::guard
