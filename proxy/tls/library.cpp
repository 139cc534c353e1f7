#include "proxy/tls/library.h"

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "proxy/tls/narrow_provider.h"
#include "proxy/tls/openssl.h"

namespace loam::tls {

Result<std::shared_ptr<const Library>> Library::make() {
  ERR_clear_error();
  const std::shared_ptr<Library> made(new Library());
  made->behind_ = OSSL_LIB_CTX_new();
  made->library_ = OSSL_LIB_CTX_new();
  if (made->library_ == nullptr || made->behind_ == nullptr ||
      !loadNarrow(made->library_, OSSL_PROVIDER_load(made->behind_, "default"))) {
    return fail(libraryError(ErrorCode::Exhausted, "TLS: no library context"));
  }
  return made;
}

/// Providers are unloaded with the context that they were loaded into.
Library::~Library() {
  OSSL_LIB_CTX_free(library_);
  OSSL_LIB_CTX_free(behind_);
}

}  // namespace loam::tls
