#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/http/kept_connection.h"
#include "proxy/server/identity_file.h"
#include "proxy/tls/context.h"

namespace loam::server {

/// The identity that is in force. Changed on one thread, and on the disk before it is used; asked for by any thread
/// that opens connections.
class CurrentIdentity {
 public:
  /// `controller` names the one that is expected: "controller".
  CurrentIdentity(IdentityFile file, std::string controller);

  /// Takes what the disk has; none is fine. An error leaves it without.
  Status load();
  /// On the disk and in force when it returns; InvalidArgument when key and certificate do not fit each other.
  Status use(Identity identity);
  const IdentityFile& file() const { return file_; }

  /// Null while there is none. Any thread.
  std::shared_ptr<const Identity> get() const;
  /// Grows whenever get() or denied() would give something else. Any thread, without a lock.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  /// Connections to the controller: TLS under the identity of the moment, Denied while there is none. It has to outlive
  /// who uses them. Any thread.
  http::Securing securing() const;

  /// Those that are denied although a root vouches for them. Any thread.
  void deny(std::vector<wire::Denied> denied);
  std::shared_ptr<const std::vector<wire::Denied>> denied() const;

 private:
  Result<std::shared_ptr<const tls::Context>> contextOf(const Identity& identity) const;
  Result<io::Wrap> wrap() const;
  void set(Identity identity);

  const IdentityFile file_;
  const std::string controller_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Identity> identity_;
  std::shared_ptr<const std::vector<wire::Denied>> denied_ = std::make_shared<const std::vector<wire::Denied>>();
  std::uint64_t identityVersion_ = 0;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace loam::server
