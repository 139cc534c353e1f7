#include "proxy/io/socket.h"

#include <cerrno>
#include <utility>

#include "proxy/base/assert.h"

namespace loam::io {

namespace {
constexpr std::uint8_t kRead = 1;
constexpr std::uint8_t kWrite = 2;
}  // namespace

Result<std::unique_ptr<Socket>> Socket::adopt(EventLoop& loop, Descriptor fd, bool shared) {
  std::unique_ptr<Socket> socket(new Socket(loop, std::move(fd), shared));
  LOAM_TRY(loop.watch(socket->fd(), socket.get()));
  return socket;
}

Socket::~Socket() {
  LOAM_ASSERT(waiter_ == nullptr);
  if (shared_) ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_DEL, fd_.get(), nullptr);
  loop_.forget(this);
}

void Socket::onEvents(std::uint32_t events) {
  std::uint8_t now = 0;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) now |= kRead;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) now |= kWrite;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hangup_ = true;
  ready_ |= now;
  if (waiter_ == nullptr || (waiter_->mask & now) == 0) return;
  // The coroutine may end, and this socket with it: nothing is touched after.
  Waiter* waiter = waiter_;
  waiter->detach();
  waiter->handle.resume();
}

void Socket::Waiter::detach() {
  for (Socket*& socket : sockets) {
    if (socket != nullptr) std::exchange(socket, nullptr)->waiter_ = nullptr;
  }
}

Socket::Wait Socket::until(Ready what, Monotonic deadline) { return Wait(*this, what, deadline); }

Socket::Wait::Wait(Socket& socket, Ready what, Monotonic deadline)
    : Timer([](Timer& timer) {
        Waiter& waiter = static_cast<Wait&>(timer).waiter_;
        waiter.detach();
        waiter.handle.resume();
      }),
      socket_(socket),
      deadline_(deadline) {
  waiter_.mask = static_cast<std::uint8_t>(what);
}

void Socket::Wait::await_suspend(std::coroutine_handle<> handle) {
  LOAM_ASSERT(socket_.waiter_ == nullptr);
  waiter_.handle = handle;
  waiter_.sockets[0] = &socket_;
  socket_.waiter_ = &waiter_;
  if (deadline_ != kNever) socket_.loop_.timers().set(*this, deadline_);
}

Socket::EitherWait Socket::either(Socket& a, Socket& b) { return EitherWait(a, b); }

Socket::EitherWait::EitherWait(Socket& a, Socket& b) : a_(a), b_(b) { waiter_.mask = kRead | kWrite; }

void Socket::EitherWait::await_suspend(std::coroutine_handle<> handle) {
  LOAM_ASSERT(a_.waiter_ == nullptr && b_.waiter_ == nullptr);
  waiter_.handle = handle;
  waiter_.sockets[0] = &a_;
  waiter_.sockets[1] = &b_;
  a_.waiter_ = &waiter_;
  b_.waiter_ = &waiter_;
}

Result<std::size_t> Socket::read(std::span<std::uint8_t> into) {
  const auto count = ::recv(fd_.get(), into.data(), into.size(), 0);
  if (count >= 0) {
    if (static_cast<std::size_t>(count) < into.size()) readCameUpShort();
    return static_cast<std::size_t>(count);
  }
  if (errno == EAGAIN || errno == EINTR) {
    if (errno == EAGAIN) clearRead();
    return kWouldBlock;
  }
  return fail(systemError(errno, "reading"));
}

Result<std::size_t> Socket::write(std::span<const std::uint8_t> from) {
  const auto count = ::send(fd_.get(), from.data(), from.size(), MSG_NOSIGNAL);
  if (count >= 0) {
    if (static_cast<std::size_t>(count) < from.size()) writeCameUpShort();
    return static_cast<std::size_t>(count);
  }
  if (errno == EAGAIN || errno == EINTR) {
    if (errno == EAGAIN) writeCameUpShort();
    return kWouldBlock;
  }
  return fail(systemError(errno, "writing"));
}

int Socket::takeError() const {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

}  // namespace loam::io
