#include "proxy/tls/narrow_provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/provider.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace loam::tls {

namespace {

using Algorithms = std::vector<OSSL_ALGORITHM>;

constexpr std::array<std::string_view, 5> kKeys = {"EC", "RSA", "RSA-PSS", "ED25519", "X25519"};

// Whose context the provider that is being loaded gets; loading is one call, on one thread.
thread_local OSSL_PROVIDER* loading = nullptr;

/// The tables of the default provider are constants: those of any of them will do.
OSSL_PROVIDER* tables() {
  static OSSL_PROVIDER* const whole = OSSL_PROVIDER_load(nullptr, "default");
  return whole;
}

/// By the first of its names.
bool isOurs(std::string_view names) {
  return std::find(kKeys.begin(), kKeys.end(), names.substr(0, names.find(':'))) != kKeys.end();
}

bool readsAKey(const OSSL_ALGORITHM& decoder) {
  const std::string_view names = decoder.algorithm_names;
  const std::string_view what = decoder.property_definition;
  if (names == "DER") return true;  // from PEM, and from the outer form to what is inside
  return isOurs(names) && (what.ends_with("PrivateKeyInfo") || what.ends_with("SubjectPublicKeyInfo"));
}

bool isAKey(const OSSL_ALGORITHM& key) {
  return isOurs(key.algorithm_names) || std::string_view(key.algorithm_names) == "HKDF";  // which passes for one
}

Algorithms narrowed(int operation, bool (*keep)(const OSSL_ALGORITHM&)) {
  int neverCached = 0;
  Algorithms kept;
  const OSSL_ALGORITHM* one = OSSL_PROVIDER_query_operation(tables(), operation, &neverCached);
  for (; one != nullptr && one->algorithm_names != nullptr; ++one) {
    if (keep(*one)) kept.push_back(*one);
  }
  kept.push_back({});
  return kept;
}

const OSSL_ALGORITHM* query(void*, int operation, int* neverCached) {
  static const Algorithms decoders = narrowed(OSSL_OP_DECODER, readsAKey);
  static const Algorithms keys = narrowed(OSSL_OP_KEYMGMT, isAKey);
  *neverCached = 0;
  if (operation == OSSL_OP_DECODER) return decoders.data();
  if (operation == OSSL_OP_KEYMGMT) return keys.data();
  return OSSL_PROVIDER_query_operation(tables(), operation, neverCached);
}

int capabilities(void*, const char* capability, OSSL_CALLBACK* take, void* argument) {
  return OSSL_PROVIDER_get_capabilities(tables(), capability, take, argument);
}

using Function = void (*)();

int start(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions, void** context) {
  static const OSSL_DISPATCH kFunctions[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<Function>(query)},
      {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, reinterpret_cast<Function>(capabilities)},
      {0, nullptr}};
  *functions = kFunctions;
  *context = OSSL_PROVIDER_get0_provider_ctx(loading);
  return 1;
}

}  // namespace

OSSL_PROVIDER* loadNarrow(OSSL_LIB_CTX* library, OSSL_PROVIDER* whole) {
  if (tables() == nullptr || whole == nullptr) return nullptr;
  loading = whole;
  OSSL_PROVIDER* narrow = nullptr;
  if (OSSL_PROVIDER_add_builtin(library, "narrow", start) == 1) narrow = OSSL_PROVIDER_load(library, "narrow");
  loading = nullptr;
  return narrow;
}

}  // namespace loam::tls
