#pragma once

#include <memory>

#include "proxy/base/result.h"

typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;
typedef struct ossl_provider_st OSSL_PROVIDER;

namespace loam::tls {

/// A world of OpenSSL's own: what it fetches and caches, and the locks around that. Handshakes of two threads in the
/// shared one wait for each other: a worker has its own (dataplane.md 1: two thirds more handshakes a second on two
/// threads). It knows what certificates of a mesh need (loadNarrow). About 400 KB each. Whatever is made of it keeps it
/// alive. Made anywhere, used by one thread.
class Library {
 public:
  /// Exhausted when OpenSSL gives none.
  static Result<std::shared_ptr<const Library>> make();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  OSSL_LIB_CTX* get() const { return library_; }

 private:
  Library() = default;
  OSSL_LIB_CTX* library_ = nullptr;
  OSSL_PROVIDER* narrow_ = nullptr;  // of library_
  OSSL_LIB_CTX* behind_ = nullptr;   // where the whole provider is, with all that its algorithms fetch themselves
  OSSL_PROVIDER* whole_ = nullptr;
};

}  // namespace loam::tls
