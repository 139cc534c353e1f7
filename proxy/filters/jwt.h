#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/filters/form.h"

namespace loam::filters {

/// A public key as RFC 7517 writes it, base64url without padding. A member of a private key is an unknown one, so that
/// none is ever stored.
struct JwtKey {
  std::string kid;
  std::string kty;  ///< RSA, EC or OKP
  std::string alg;  ///< RS256, PS256, ES256, ES384 or EdDSA: the only one it is accepted with
  std::string crv;  ///< P-256, P-384 (EC) or Ed25519 (OKP)
  std::string x;
  std::string y;
  std::string n;
  std::string e;

  void describe(Form& form);
};

/// Who signs tokens, and by what they are known. The keys stand here because no proxy fetches any.
struct JwtIssuer {
  std::string name;                    ///< what rules call it
  std::string issuer;                  ///< the claim `iss`, exactly
  std::vector<std::string> audiences;  ///< one of them in `aud`; empty: not looked at
  std::vector<JwtKey> keys;
  std::string header = "authorization";  ///< where the token stands, behind "Bearer " in this one. RFC 6750
  milliseconds leeway = seconds(60);     ///< of `exp` and `nbf`, for clocks that differ (reliability.md D8)

  void describe(Form& form);
};

/// What a rule demands of a token.
struct JwtClaim {
  std::string name;
  std::vector<std::string> values;  ///< one of them, as the claim or among its items

  void describe(Form& form);
};

struct JwtDemand {
  std::string issuer;  ///< name of one of the issuers
  std::vector<JwtClaim> claims;

  void describe(Form& form);
};

}  // namespace loam::filters
