#pragma once

#include <libmnl/libmnl.h>

#include <functional>
#include <memory>

#include "proxy/base/result.h"

namespace loam::guard {

/// One netlink socket that asks the kernel and waits for its answer. One thread.
class Netlink {
 public:
  /// `bus` is NETLINK_ROUTE, NETLINK_SOCK_DIAG, ...
  static Result<Netlink> open(int bus);

  /// Sends a request with NLM_F_ACK; the kernel's errno comes back as the error, `what` before it.
  Status request(nlmsghdr* message, const char* what);
  /// Sends a request with NLM_F_DUMP and shows every message of the answer.
  Status dump(nlmsghdr* message, const std::function<void(const nlmsghdr&)>& each, const char* what);
  /// Makes dumps honour the filters in their request (kernel 4.20 and newer).
  void filterStrictly();
  int descriptor() const { return ::mnl_socket_get_fd(socket_.get()); }

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { ::mnl_socket_close(socket); }
  };
  explicit Netlink(mnl_socket* socket) : socket_(socket) {}

  std::unique_ptr<mnl_socket, Close> socket_;
  unsigned sequence_ = 0;
};

/// Shows the attributes of a message behind its `headerSize` bytes of family header.
void eachAttribute(const nlmsghdr& message, std::size_t headerSize,
                   const std::function<void(std::uint16_t type, const nlattr* attribute)>& each);

}  // namespace loam::guard
