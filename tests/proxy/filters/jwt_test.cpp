#include "proxy/filters/jwt.h"

#include <gtest/gtest.h>

#include "settings_table.h"

namespace loam::filters {
namespace {

TEST(JwtTest, ReadsThePublicKeysOfEveryAlgorithm) {
  for (const char* key : {R"({"kid": "1", "kty": "RSA", "alg": "RS256", "n": "0vx7", "e": "AQAB"})",
                          R"({"kid": "1", "kty": "RSA", "alg": "PS256", "n": "0vx7", "e": "AQAB"})",
                          R"({"kid": "1", "kty": "EC", "alg": "ES256", "crv": "P-256", "x": "f83O", "y": "x_FE"})",
                          R"({"kid": "1", "kty": "EC", "alg": "ES384", "crv": "P-384", "x": "f83O", "y": "x_FE"})",
                          R"({"kid": "1", "kty": "OKP", "alg": "EdDSA", "crv": "Ed25519", "x": "11qY"})"}) {
    good<JwtKey>(key);
    expectWritesWhatItReads<JwtKey>(key);
  }
}

TEST(JwtTest, NoPrivateOrSharedKeyIsTaken) {
  expectProblems<JwtKey>({
      {R"({"kid": "1", "kty": "OKP", "alg": "EdDSA", "crv": "Ed25519", "x": "11qY", "d": "nWGx"})",
       {{"/d", "unknown member"}}},
      {R"({"kid": "1", "kty": "oct", "alg": "HS256", "k": "c2Vj"})",
       {{"/k", "unknown member"}, {"/kty", "one of RSA, EC, OKP"}, {"/alg", "one of RS256"}}},
  });
}

TEST(JwtTest, AKeyThatDoesNotFitItsAlgorithmIsRefused) {
  expectProblems<JwtKey>({
      {R"({"kid": "1", "kty": "RSA", "alg": "ES256", "n": "0vx7", "e": "AQAB"})", {{"/alg", "a key of type EC"}}},
      {R"({"kid": "1", "kty": "EC", "alg": "ES256", "crv": "P-384", "x": "a", "y": "b"})",
       {{"/crv", "needs the curve P-256"}}},
      {R"({"kid": "1", "kty": "EC", "alg": "ES256", "x": "a", "y": "b"})", {{"", "needs the curve P-256"}}},
      {R"({"kid": "1", "kty": "RSA", "alg": "RS256", "crv": "P-256", "n": "a", "e": "b"})", {{"/crv", "has no curve"}}},
      {R"({"kid": "1", "kty": "RSA", "alg": "RS256", "n": "a"})", {{"", "not whole"}}},
      {R"({"kid": "1", "kty": "EC", "alg": "ES256", "crv": "P-256", "x": "a"})", {{"", "not whole"}}},
      {R"({"kid": "1", "kty": "OKP", "alg": "EdDSA", "crv": "Ed25519"})", {{"", "not whole"}}},
      {R"({"kid": "1", "kty": "RSA", "alg": "RS256", "n": "a=", "e": "b"})", {{"/n", "base64url without padding"}}},
      {R"({})", {{"", "\"kid\" is missing"}, {"", "\"kty\" is missing"}, {"", "\"alg\" is missing"}}},
  });
}

TEST(JwtTest, AnIssuerHasKeysOfDifferentNames) {
  constexpr std::string_view kKey = R"({"kid": "1", "kty": "OKP", "alg": "EdDSA", "crv": "Ed25519", "x": "11qY"})";
  const std::string one = R"({"name": "sso", "issuer": "https://sso.example", "keys": [)" + std::string(kKey) + "]}";
  const auto issuer = good<JwtIssuer>(one);
  EXPECT_EQ(issuer.header, "authorization");
  EXPECT_EQ(issuer.leeway, seconds(60));
  expectProblems<JwtIssuer>({
      {R"({"name": "sso", "issuer": "i", "keys": [)" + std::string(kKey) + "," + std::string(kKey) + "]}",
       {{"/keys/1/kid", "\"1\" is the kid of item 0 already"}}},
      {R"({"name": "sso", "issuer": "i", "keys": []})", {{"/keys", "without a key no token is good"}}},
      {R"({"name": "S", "issuer": "", "keys": [], "leeway": "11m", "header": "a b", "audiences": [""]})",
       {{"/name", "a name of"},
        {"/issuer", "a line"},
        {"/audiences/0", "a line"},
        {"/header", "a header name"},
        {"/leeway", "from 0s to 10m"},
        {"/keys", "without a key"}}},
  });
}

TEST(JwtTest, ADemandNamesClaimsOnce) {
  expectProblems<JwtDemand>({
      {R"({"issuer": "sso", "claims": [{"name": "role", "values": ["a"]}, {"name": "role", "values": ["b"]}]})",
       {{"/claims/1/name", "already"}}},
      {R"({"claims": [{"name": "role", "values": []}, {}]})",
       {{"/claims/0/values", "at least one"},
        {"/claims/1", "\"name\" is missing"},
        {"/claims/1", "\"values\" is missing"},
        {"", "\"issuer\" is missing"}}},
  });
}

}  // namespace
}  // namespace loam::filters
