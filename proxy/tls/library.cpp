#include "proxy/tls/library.h"

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "proxy/tls/openssl.h"

namespace loam::tls {

Result<std::shared_ptr<const Library>> Library::make() {
  OSSL_LIB_CTX* const library = OSSL_LIB_CTX_new();
  if (library == nullptr) return fail(libraryError(ErrorCode::Exhausted, "TLS: no library context"));
  std::shared_ptr<const Library> made(new Library(library));
  // The default provider loads itself at the first fetch; unloaded with the context.
  return made;
}

Library::~Library() { OSSL_LIB_CTX_free(library_); }

}  // namespace loam::tls
