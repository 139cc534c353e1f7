#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <span>

#include "proxy/base/descriptor.h"
#include "proxy/base/result.h"
#include "proxy/io/event_loop.h"

namespace loam::io {

constexpr Monotonic kNever = Monotonic::max();

/// What may be waited for on a socket.
enum class Ready : std::uint8_t { Read = 1, Write = 2, Any = 3 };

/// A non-blocking socket on a loop. The kernel's edges are kept as two flags: a read or write that comes up short
/// clears its flag, the next edge sets it; as long as a flag is set the call is worth trying. One coroutine waits on it
/// at a time.
class Socket {
 public:
  /// Takes `fd`, which must be non-blocking. `shared`: another process holds the same socket (a listener from the
  /// guard), so that closing must also unregister. Fails when the loop cannot watch it.
  static Result<std::unique_ptr<Socket>> adopt(EventLoop& loop, Descriptor fd, bool shared = false);
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  EventLoop& loop() const { return loop_; }
  int fd() const { return fd_.get(); }
  bool mayRead() const { return (ready_ & static_cast<std::uint8_t>(Ready::Read)) != 0; }
  bool mayWrite() const { return (ready_ & static_cast<std::uint8_t>(Ready::Write)) != 0; }
  void readCameUpShort() {
    if (!hangup_) ready_ &= static_cast<std::uint8_t>(~1u);
  }
  void writeCameUpShort() { ready_ &= static_cast<std::uint8_t>(~2u); }
  /// The kernel reported an error on it: the peer reset it, whatever a read would still find before.
  bool isBroken() const { return broken_; }
  /// For a reader that stopped at EAGAIN although a hang-up was seen.
  void clearRead() { ready_ &= static_cast<std::uint8_t>(~1u); }

  /// `co_await socket.until(Ready::Read, deadline)`: true when ready, false when the deadline came first.
  class Wait;
  Wait until(Ready what, Monotonic deadline = kNever);
  /// `co_await Socket::either(a, b)`: goes on at the next event of either.
  class EitherWait;
  static EitherWait either(Socket& a, Socket& b);
  /// `co_await Socket::either(a, b, deadline)`: true at the next event of either, false when the deadline came first.
  class EitherUntil;
  static EitherUntil either(Socket& a, Socket& b, Monotonic deadline);

  /// What read() and write() give when nothing could be moved without waiting.
  static constexpr std::size_t kWouldBlock = ~std::size_t{0};
  /// recv(2) with the flags kept up to date; 0 is the end of the stream.
  Result<std::size_t> read(std::span<std::uint8_t> into);
  /// send(2) with the flags kept up to date; may take less than all.
  Result<std::size_t> write(std::span<const std::uint8_t> from);

  /// The pending error of the socket (SO_ERROR), 0 for none; after a connect.
  int takeError() const;

 private:
  friend class EventLoop;
  struct Waiter {
    std::coroutine_handle<> handle;
    std::uint8_t mask = 0;
    Socket* sockets[2] = {nullptr, nullptr};
    void attach(Socket& socket);
    void detach();
    void wake();
  };

  Socket(EventLoop& loop, Descriptor fd, bool shared) : loop_(loop), fd_(std::move(fd)), shared_(shared) {}
  void onEvents(std::uint32_t events);

  EventLoop& loop_;
  Descriptor fd_;
  Waiter* reader_ = nullptr;
  Waiter* writer_ = nullptr;
  bool* destroyed_ = nullptr;  // of the onEvents() that is under way
  std::uint8_t ready_ = 0;
  bool hangup_ = false;
  bool broken_ = false;
  bool shared_ = false;
};

class Socket::Wait : private Timer {
 public:
  Wait(Socket& socket, Ready what, Monotonic deadline);
  ~Wait() { waiter_.detach(); }
  bool await_ready() const noexcept { return (socket_.ready_ & waiter_.mask) != 0; }
  void await_suspend(std::coroutine_handle<> handle);
  bool await_resume() const noexcept { return (socket_.ready_ & waiter_.mask) != 0; }

 private:
  Socket& socket_;
  Monotonic deadline_;
  Waiter waiter_;
};

class Socket::EitherWait {
 public:
  EitherWait(Socket& a, Socket& b);
  ~EitherWait() { waiter_.detach(); }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle);
  void await_resume() const noexcept {}

 private:
  Socket& a_;
  Socket& b_;
  Waiter waiter_;
};

class Socket::EitherUntil : private Timer {
 public:
  EitherUntil(Socket& a, Socket& b, Monotonic deadline);
  ~EitherUntil() { waiter_.detach(); }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle);
  bool await_resume() const noexcept { return !late_; }

 private:
  Socket& a_;
  Socket& b_;
  Monotonic deadline_;
  Waiter waiter_;
  bool late_ = false;
};

}  // namespace loam::io
