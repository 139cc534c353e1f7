#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proxy/base/address.h"
#include "proxy/tls/stream.h"

namespace loam::tls {

/// What a proxy says first to another, inside TLS: whose connection this is and where it was to go. A header of the
/// PROXY protocol, version 2 (HAProxy's proxy-protocol.txt, section 2.2), with one extension of our own: type 0xE0, of
/// no length, says that it is a question.
struct Preface {
  SocketAddress client;
  SocketAddress destination;
  bool question = false;  ///< whether such a connection would be taken: none follows

  bool operator==(const Preface&) const = default;
};

/// What the other proxy says to it, in one byte; nothing of the application passes before.
enum class Answer : std::uint8_t {
  Accepted = 0,       ///< the application took the connection; or would be dialled, to a question
  NotAdvertised = 1,  ///< this proxy takes no connections to that destination
  Refused = 2,        ///< the application refused it
  Unreachable = 3,    ///< it gives no answer
  Denied = 4,         ///< a feature of the service does not admit the client
  Failed = 5,         ///< this proxy could not: descriptors, memory, privileges
};

/// Both addresses of one family; an IPv4 address among IPv6 ones is written mapped.
std::string encode(const Preface& preface);
/// How many bytes follow the head of a preface, its first kPrefaceHead. Protocol says what is wrong with it.
constexpr std::size_t kPrefaceHead = 16;
Result<std::size_t> restOf(std::span<const std::uint8_t, kPrefaceHead> head);
/// Of a whole preface: head and rest, no less and no more. Protocol says what is wrong with it.
Result<Preface> decodePreface(std::span<const std::uint8_t> whole);
/// Reads a preface and not a byte more. Protocol says what is wrong with it; Timeout and what reading gives.
io::Task<Result<Preface>> readPreface(Stream& stream, Monotonic deadline);

/// Sends the preface and awaits the answer. Protocol for a byte that is none; what writing and reading give: also that
/// the peer refused this side's certificate (Denied), which comes no earlier.
io::Task<Result<Answer>> ask(Stream& stream, Preface preface, Monotonic deadline);

}  // namespace loam::tls
