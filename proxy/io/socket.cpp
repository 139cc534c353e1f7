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
  LOAM_ASSERT(reader_ == nullptr && writer_ == nullptr);
  if (destroyed_ != nullptr) *destroyed_ = true;
  if (shared_) ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_DEL, fd_.get(), nullptr);
  loop_.forget(this);
}

void Socket::onEvents(std::uint32_t events) {
  std::uint8_t now = 0;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) now |= kRead;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) now |= kWrite;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hangup_ = true;
  if ((events & EPOLLERR) != 0) broken_ = true;
  ready_ |= now;
  Waiter* const reader = (now & kRead) != 0 ? reader_ : nullptr;
  Waiter* const writer = (now & kWrite) != 0 ? writer_ : nullptr;
  if (reader == nullptr || writer == nullptr || reader == writer) {
    // The coroutine may end, and this socket with it: nothing is touched after.
    if (reader != nullptr || writer != nullptr) (reader != nullptr ? reader : writer)->wake();
    return;
  }
  bool destroyed = false;
  destroyed_ = &destroyed;
  reader->wake();
  if (destroyed) return;
  destroyed_ = nullptr;
  if (writer_ == writer) writer->wake();
}

void Socket::Waiter::attach(Socket& socket) {
  LOAM_ASSERT((mask & kRead) == 0 || socket.reader_ == nullptr);
  LOAM_ASSERT((mask & kWrite) == 0 || socket.writer_ == nullptr);
  if ((mask & kRead) != 0) socket.reader_ = this;
  if ((mask & kWrite) != 0) socket.writer_ = this;
  sockets[sockets[0] == nullptr ? 0 : 1] = &socket;
}

void Socket::Waiter::detach() {
  for (Socket*& slot : sockets) {
    if (slot == nullptr) continue;
    Socket& socket = *std::exchange(slot, nullptr);
    if (socket.reader_ == this) socket.reader_ = nullptr;
    if (socket.writer_ == this) socket.writer_ = nullptr;
  }
}

void Socket::Waiter::wake() {
  detach();
  handle.resume();
}

Socket::Wait Socket::until(Ready what, Monotonic deadline) { return Wait(*this, what, deadline); }

Socket::Wait::Wait(Socket& socket, Ready what, Monotonic deadline)
    : Timer([](Timer& timer) { static_cast<Wait&>(timer).waiter_.wake(); }), socket_(socket), deadline_(deadline) {
  waiter_.mask = static_cast<std::uint8_t>(what);
}

void Socket::Wait::await_suspend(std::coroutine_handle<> handle) {
  waiter_.handle = handle;
  waiter_.attach(socket_);
  if (deadline_ != kNever) socket_.loop_.timers().set(*this, deadline_);
}

Socket::EitherWait Socket::either(Socket& a, Socket& b) { return EitherWait(a, b); }

Socket::EitherWait::EitherWait(Socket& a, Socket& b) : a_(a), b_(b) { waiter_.mask = kRead | kWrite; }

void Socket::EitherWait::await_suspend(std::coroutine_handle<> handle) {
  waiter_.handle = handle;
  waiter_.attach(a_);
  waiter_.attach(b_);
}

Socket::EitherUntil Socket::either(Socket& a, Socket& b, Monotonic deadline) { return EitherUntil(a, b, deadline); }

Socket::EitherUntil::EitherUntil(Socket& a, Socket& b, Monotonic deadline)
    : Timer([](Timer& timer) {
        auto& wait = static_cast<EitherUntil&>(timer);
        wait.late_ = true;
        wait.waiter_.wake();
      }),
      a_(a),
      b_(b),
      deadline_(deadline) {
  waiter_.mask = kRead | kWrite;
}

void Socket::EitherUntil::await_suspend(std::coroutine_handle<> handle) {
  waiter_.handle = handle;
  waiter_.attach(a_);
  waiter_.attach(b_);
  if (deadline_ != kNever) a_.loop_.timers().set(*this, deadline_);
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
