#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/base/result.h"
#include "proxy/wire/trust.h"

namespace loam::wire {

/// How a proxy gets its identity: POST /v1/join on the agents' port, over TLS with the root pinned and no certificate
/// of its own. The answer is an Enrolment; 403 for whatever is wrong with the token, without saying what (D10).
struct Join {
  std::string proxy;
  std::string token;
  std::string csr;  ///< PKCS#10 in PEM

  bool operator==(const Join&) const = default;
};

/// And how it gets the next one, under the one it has: POST /v1/renew. Answered with an Enrolment for the same name.
struct Renew {
  std::string csr;

  bool operator==(const Renew&) const = default;
};

struct Enrolment {
  std::string chain;  ///< leaf, then intermediate, in PEM
  Trust trust;

  bool operator==(const Enrolment&) const = default;
};

constexpr std::size_t kMostEnrolmentBytes = 16 * 1024 * 1024;

std::string encode(const Join& join);
std::string encode(const Renew& renew);
std::string encode(const Enrolment& enrolment);
/// Each names every problem, and never quotes a token.
Result<Join> decodeJoin(std::string_view json);
Result<Renew> decodeRenew(std::string_view json);
Result<Enrolment> decodeEnrolment(std::string_view json);

}  // namespace loam::wire
