#pragma once

#include <memory>
#include <string>

#include "proxy/base/result.h"

struct nft_ctx;

namespace loam::guard {

/// Runs nft transactions in this network namespace by libnftables. A text is one transaction: all of it or nothing.
/// One thread.
class Nft {
 public:
  /// Denied without CAP_NET_ADMIN, Unsupported where the kernel has no nf_tables.
  static Result<Nft> open();

  Status run(const std::string& transaction);
  /// What a listing command prints.
  Result<std::string> list(const std::string& command);
  /// The error that the kernel or the parser would give for `transaction`; nothing is changed.
  Status check(const std::string& transaction);

 private:
  struct Free {
    void operator()(nft_ctx* context) const;
  };
  explicit Nft(nft_ctx* context) : context_(context) {}

  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace loam::guard
