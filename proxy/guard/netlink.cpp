#include "proxy/guard/netlink.h"

#include <array>
#include <cerrno>

namespace loam::guard {

namespace {

constexpr std::size_t kReadSize = 64 * 1024;

int show(const nlmsghdr* message, void* each) {
  (*static_cast<const std::function<void(const nlmsghdr&)>*>(each))(*message);
  return MNL_CB_OK;
}

int showAttribute(const nlattr* attribute, void* each) {
  using Each = std::function<void(std::uint16_t, const nlattr*)>;
  (*static_cast<const Each*>(each))(::mnl_attr_get_type(attribute), attribute);
  return MNL_CB_OK;
}

}  // namespace

Result<Netlink> Netlink::open(int bus) {
  mnl_socket* socket = ::mnl_socket_open2(bus, SOCK_CLOEXEC);
  if (!socket) return fail(systemError(errno, "opening a netlink socket"));
  Netlink netlink(socket);
  if (::mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) return fail(systemError(errno, "binding a netlink socket"));
  // The kernel answers at once or not at all: a lost message must not stall the guard.
  const timeval patience{2, 0};
  ::setsockopt(netlink.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return netlink;
}

void Netlink::filterStrictly() {
  int on = 1;
  ::setsockopt(descriptor(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
}

Status Netlink::request(nlmsghdr* message, const char* what) {
  message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
  return dump(
      message, [](const nlmsghdr&) {}, what);
}

Status Netlink::dump(nlmsghdr* message, const std::function<void(const nlmsghdr&)>& each, const char* what) {
  if (!(message->nlmsg_flags & NLM_F_ACK)) message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
  message->nlmsg_seq = ++sequence_;
  if (::mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) return fail(systemError(errno, what));
  std::array<char, kReadSize> buffer;
  const unsigned port = ::mnl_socket_get_portid(socket_.get());
  auto* context = const_cast<std::function<void(const nlmsghdr&)>*>(&each);
  for (;;) {
    const ssize_t size = ::mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (size < 0) return fail(systemError(errno, what));
    const int more = ::mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), sequence_, port, show, context);
    if (more < 0 && errno == EPROTO) continue;  // the late answer to an earlier question
    if (more < 0) return fail(systemError(errno, what));
    if (more == MNL_CB_STOP) return {};
  }
}

void eachAttribute(const nlmsghdr& message, std::size_t headerSize,
                   const std::function<void(std::uint16_t type, const nlattr* attribute)>& each) {
  ::mnl_attr_parse(&message, static_cast<unsigned>(headerSize), showAttribute,
                   const_cast<void*>(static_cast<const void*>(&each)));
}

}  // namespace loam::guard
