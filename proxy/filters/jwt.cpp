#include "proxy/filters/jwt.h"

#include <algorithm>

#include "proxy/filters/words.h"

namespace loam::filters {

namespace {

Word<std::string> oneName(std::initializer_list<std::string_view> names) {
  Word<std::string> word = line(32);
  const std::vector<std::string> all(names.begin(), names.end());
  word.kind = "one of";
  for (const std::string& name : all) word.kind.append(&name == &all.front() ? " " : ", ").append(name);
  word.parse = [all](std::string_view text) -> std::optional<std::string> {
    return std::find(all.begin(), all.end(), text) == all.end() ? std::nullopt : std::optional(std::string(text));
  };
  return word;
}

/// Long enough for RSA of 4096 bits, which are 683 letters.
Word<std::string> base64url() {
  Word<std::string> word = line(1024);
  word.kind = "base64url without padding";
  word.parse = [](std::string_view text) -> std::optional<std::string> {
    const auto fits = [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    const bool good = !text.empty() && text.size() <= 1024 && std::all_of(text.begin(), text.end(), fits);
    return good ? std::optional(std::string(text)) : std::nullopt;
  };
  return word;
}

/// The type of key that an algorithm signs with, and its curve.
struct Signature {
  std::string_view alg;
  std::string_view kty;
  std::string_view crv;
};
constexpr Signature kSignatures[] = {{"RS256", "RSA", ""},
                                     {"PS256", "RSA", ""},
                                     {"ES256", "EC", "P-256"},
                                     {"ES384", "EC", "P-384"},
                                     {"EdDSA", "OKP", "Ed25519"}};

}  // namespace

void JwtKey::describe(Form& form) {
  form.word("kid", kid, line(128));
  form.word("kty", kty, oneName({"RSA", "EC", "OKP"}));
  form.word("alg", alg, oneName({"RS256", "PS256", "ES256", "ES384", "EdDSA"}));
  form.word("crv", crv, oneName({"P-256", "P-384", "Ed25519"}));
  form.word("x", x, base64url());
  form.word("y", y, base64url());
  form.word("n", n, base64url());
  form.word("e", e, base64url());
  form.require("kid");
  form.require("kty");
  form.require("alg");
  for (const Signature& known : kSignatures) {
    if (known.alg != alg || kty.empty()) continue;
    form.check(kty == known.kty, {"alg", "kty"}, alg + " signs with a key of type " + std::string(known.kty));
    const std::string curve =
        known.crv.empty() ? "an RSA key has no curve" : alg + " needs the curve " + std::string(known.crv);
    form.check(kty != known.kty || crv == known.crv, {"crv"}, curve);
  }
  const bool whole = (kty != "RSA" || (!n.empty() && !e.empty())) && (kty != "EC" || (!x.empty() && !y.empty())) &&
                     (kty != "OKP" || !x.empty());
  form.check(whole, {}, "the public key is not whole: RSA has n and e, EC has x and y, OKP has x");
}

void JwtIssuer::describe(Form& form) {
  form.word("name", name, ruleName());
  form.word("issuer", issuer, line(512));
  form.words("audiences", audiences, line(512), 16);
  form.objects("keys", keys, 16);
  form.word("header", header, headerName());
  form.duration("leeway", leeway, seconds(0), std::chrono::minutes(10));
  form.require("name");
  form.require("issuer");
  form.require("keys");
  form.distinct("keys", keys, "kid", &JwtKey::kid);
  form.check(!keys.empty(), {"keys"}, "without a key no token is good");
}

void JwtClaim::describe(Form& form) {
  form.word("name", name, line(128));
  form.words("values", values, line(512), 64);
  form.require("name");
  form.require("values");
}

void JwtDemand::describe(Form& form) {
  form.word("issuer", issuer, ruleName());
  form.objects("claims", claims, 16);
  form.require("issuer");
  form.distinct("claims", claims, "name", &JwtClaim::name);
}

}  // namespace loam::filters
