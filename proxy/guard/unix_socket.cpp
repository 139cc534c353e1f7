#include "proxy/guard/unix_socket.h"

#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "proxy/base/assert.h"
#include "proxy/guard/protocol.h"

namespace loam::guard::unix_socket {

namespace {

constexpr int kBacklog = 64;

struct Address {
  sockaddr_un un{};
  socklen_t size = 0;
};

Result<Address> addressOf(const std::string& path, bool isAbstract) {
  Address address;
  const std::size_t offset = isAbstract ? 1 : 0;
  if (path.empty() || path.size() + 1 >= sizeof address.un.sun_path) {
    return fail(ErrorCode::InvalidArgument, "the socket path '" + path + "' is empty or longer than 106 bytes");
  }
  address.un.sun_family = AF_UNIX;
  std::memcpy(address.un.sun_path + offset, path.data(), path.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

const sockaddr* raw(const Address& address) { return reinterpret_cast<const sockaddr*>(&address.un); }

Descriptor open(int flags) { return Descriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0)); }

}  // namespace

Result<Descriptor> listen(const std::string& path, std::uint32_t group) {
  const auto address = addressOf(path, false);
  if (!address) return fail(address.error());
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const Descriptor probe = open(0);
  if (probe && ::connect(probe.get(), raw(*address), address->size) == 0) {
    return fail(ErrorCode::Conflict, "another loam-guard listens on " + path);
  }
  struct stat present {};
  if (::lstat(path.c_str(), &present) == 0 && S_ISSOCK(present.st_mode)) ::unlink(path.c_str());
  Descriptor socket = open(SOCK_NONBLOCK);
  const mode_t before = ::umask(0177);
  const bool bound = socket && ::bind(socket.get(), raw(*address), address->size) == 0;
  const int cause = errno;
  ::umask(before);
  if (!bound) return fail(systemError(cause, "listening on " + path));
  if (::chown(path.c_str(), static_cast<uid_t>(-1), group) != 0 || ::chmod(path.c_str(), 0660) != 0) {
    return fail(systemError(errno, "giving " + path + " to group " + std::to_string(group)));
  }
  if (::listen(socket.get(), kBacklog) != 0) return fail(systemError(errno, "listening on " + path));
  return socket;
}

Result<Descriptor> connect(const std::string& path) {
  const auto address = addressOf(path, false);
  if (!address) return fail(address.error());
  Descriptor socket = open(0);
  const timeval patience{2, 0};
  if (socket) {
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  if (!socket || ::connect(socket.get(), raw(*address), address->size) != 0) {
    return fail(systemError(errno, "connecting to loam-guard at " + path));
  }
  return socket;
}

Result<Descriptor> claim(const std::string& name) {
  const auto address = addressOf(name, true);
  if (!address) return fail(address.error());
  Descriptor socket = open(0);
  if (socket && ::bind(socket.get(), raw(*address), address->size) == 0 && ::listen(socket.get(), 1) == 0)
    return socket;
  if (errno != EADDRINUSE) return fail(systemError(errno, "claiming " + name));
  std::string holder;
  const Descriptor asking = open(SOCK_NONBLOCK);
  if (asking && ::connect(asking.get(), raw(*address), address->size) == 0) {
    if (const auto who = peer(asking.get())) {
      holder = " (pid " + std::to_string(who->pid) + ", uid " + std::to_string(who->uid) + ")";
    }
  }
  return fail(ErrorCode::Conflict, "another loam-guard" + holder + " owns the capture of this host: stop it first");
}

Status send(int socket, std::string_view packet, const std::vector<int>& descriptors) {
  LOAM_ASSERT(descriptors.size() <= protocol::kMostDescriptors);
  iovec piece{const_cast<char*>(packet.data()), packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(protocol::kMostDescriptors * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    const std::size_t size = descriptors.size() * sizeof(int);
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), descriptors.data(), size);
  }
  if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return {};
  if (errno == EAGAIN) return fail(ErrorCode::Timeout, "the other side does not read");
  return fail(systemError(errno, "sending a packet"));
}

Result<std::string> receive(int socket, std::vector<Descriptor>& descriptors) {
  std::string packet(protocol::kMostPacket + 64, '\0');
  iovec piece{packet.data(), packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(protocol::kMostDescriptors * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (size < 0 && errno == EAGAIN) return fail(ErrorCode::Timeout, "no packet came");
  if (size < 0) return fail(systemError(errno, "receiving a packet"));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; at + sizeof(int) <= header->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header) + at, sizeof descriptor);
      descriptors.emplace_back(descriptor);
    }
  }
  if (size == 0) return fail(ErrorCode::Closed, "the other side hung up");
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return fail(ErrorCode::Protocol, "a packet too large");
  packet.resize(static_cast<std::size_t>(size));
  return packet;
}

Result<ucred> peer(int socket) {
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return fail(systemError(errno, "SO_PEERCRED"));
  return who;
}

}  // namespace loam::guard::unix_socket
