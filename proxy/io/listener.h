#pragma once

#include <memory>
#include <string>

#include "proxy/base/address.h"
#include "proxy/io/socket.h"
#include "proxy/io/task.h"

namespace loam::io {

struct Accepted {
  Descriptor fd;       ///< non-blocking, closed on exec
  SocketAddress peer;  ///< unspecified for a Unix socket
};

/// A listening socket on a loop. Out of descriptors it lets one waiting client go with a reset, by means of a
/// descriptor held in reserve, and pauses: clients behind it wait in the kernel's queue, and the loop never spins.
class Listener {
 public:
  static constexpr milliseconds kPause{100};

  /// Binds and listens; port 0 picks one (see address()). `reusePort` lets several workers share it.
  static Result<std::unique_ptr<Listener>> bind(EventLoop& loop, const SocketAddress& address, bool reusePort = false);
  /// A Unix socket at `path`, mode 0660; a stale file of a dead owner is replaced, a live one is Conflict.
  static Result<std::unique_ptr<Listener>> bindUnix(EventLoop& loop, const std::string& path);
  /// Takes a socket that listens already and that another process holds too.
  static Result<std::unique_ptr<Listener>> adopt(EventLoop& loop, Descriptor fd);

  /// The next connection. Fails only when the socket itself is broken.
  Task<Result<Accepted>> accept();
  /// Bound address; unspecified for a Unix socket.
  SocketAddress address() const;
  /// Clients let go because descriptors ran out.
  std::uint64_t exhausted() const { return exhausted_; }

 private:
  Listener(std::unique_ptr<Socket> socket, Descriptor reserve)
      : socket_(std::move(socket)), reserve_(std::move(reserve)) {}
  static Result<std::unique_ptr<Listener>> make(EventLoop& loop, Descriptor fd, bool shared);
  void letOneGo();

  std::unique_ptr<Socket> socket_;
  Descriptor reserve_;
  std::uint64_t exhausted_ = 0;
};

}  // namespace loam::io
