#pragma once

#include <string>
#include <string_view>

#include "proxy/base/result.h"
#include "rollout/identity/sealing_secret.h"

namespace loam::identity {

/// What a sealing costs: scrypt's N (a power of two), r and p. The default takes 32 MiB and a tenth of a second.
struct SealingCost {
  std::uint64_t n = 1ULL << 15;
  std::uint64_t r = 8;
  std::uint64_t p = 1;
};

/// `text` as one line of JSON, encrypted and authenticated: AES-256-GCM under a key that scrypt derives from
/// `secret` and a fresh salt. `name` is bound to it, so that no sealed key can stand in for another.
Result<std::string> seal(std::string_view text, std::string_view name, const SealingSecret& secret,
                         SealingCost cost = {});

/// The text again. Denied, in one and the same words, for another secret and for a file that was changed; Unsupported
/// for a newer format; InvalidArgument for what is no sealed key, or one of another name.
Result<std::string> unseal(std::string_view sealed, std::string_view name, const SealingSecret& secret);

}  // namespace loam::identity
