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
  if (made->library_ != nullptr && made->behind_ != nullptr) {
    made->whole_ = OSSL_PROVIDER_load(made->behind_, "default");
    made->narrow_ = loadNarrow(made->library_, made->whole_);
  }
  if (made->narrow_ == nullptr) return fail(libraryError(ErrorCode::Exhausted, "TLS: no library context"));
  return made;
}

/// A context takes its own hold of a provider with it, not that of who loaded it.
Library::~Library() {
  if (narrow_ != nullptr) OSSL_PROVIDER_unload(narrow_);
  OSSL_LIB_CTX_free(library_);
  if (whole_ != nullptr) OSSL_PROVIDER_unload(whole_);
  OSSL_LIB_CTX_free(behind_);
}

}  // namespace loam::tls
