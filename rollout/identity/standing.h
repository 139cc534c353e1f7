#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/tls/certificate.h"
#include "proxy/wire/trust.h"
#include "rollout/identity/deny_list.h"
#include "rollout/identity/rotation.h"

namespace loam::identity {

/// Whom the mesh believes at one moment, for those who serve; it never changes. Any thread.
struct Standing {
  struct Root {
    std::string id;  ///< SHA-256
    tls::Certificate certificate;
    std::int64_t intermediateUntil = 0;  ///< unix seconds: nothing is issued after that
    bool renewable = false;              ///< the controller can sign the next intermediate itself
    std::int64_t intermediateFrom = 0;   ///< unix seconds: when its life began
  };
  std::string trustDomain;
  Rotation rotation;
  std::vector<Root> roots;  ///< trusted ones, the issuing one first
  DenyList denied;
  tls::Credentials own;  ///< of the controller; the chain ends in the root
  wire::Trust trust;     ///< as agents get it
};

/// What became of one who wanted to join. The first five are those of a token.
enum class JoinOutcome : std::uint8_t { Good, Unknown, Used, Expired, OtherName, Limited, Denied, BadRequest };
constexpr std::size_t kJoinOutcomes = 8;
/// "good", "limited", ...: for logs and metrics; nobody who joins hears it.
std::string_view name(JoinOutcome outcome);

/// Counts since the start. Written by the control thread, read by any.
struct Tally {
  std::array<std::atomic<std::uint64_t>, kJoinOutcomes> joins{};
  std::atomic<std::uint64_t> renewals = 0;
  std::atomic<std::uint64_t> certificates = 0;  ///< that have not expired, now
};

}  // namespace loam::identity
