#include "proxy/io/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proxy/io/socket.h"

namespace loam::io {

Result<std::unique_ptr<EventLoop>> EventLoop::make(const Clock& clock) {
  Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail(systemError(errno, "creating an event loop"));
  std::unique_ptr<EventLoop> loop(new EventLoop(clock, std::move(epoll)));
  LOAM_TRY(loop->watch(loop->mailbox_.descriptor(), nullptr));
  return loop;
}

EventLoop::EventLoop(const Clock& clock, Descriptor epoll)
    : clock_(clock), epoll_(std::move(epoll)), now_(clock.now()), timers_(now_) {}

Status EventLoop::watch(int fd, Socket* socket) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  if (socket == nullptr) event.events = EPOLLIN;
  event.data.ptr = socket;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return fail(systemError(errno, "watching a descriptor"));
  return {};
}

void EventLoop::forget(Socket* socket) {
  for (int i = eventNext_; i < eventCount_; ++i) {
    if (events_[static_cast<std::size_t>(i)].data.ptr == socket) events_[static_cast<std::size_t>(i)].events = 0;
  }
}

void EventLoop::forget(std::coroutine_handle<> yielded) {
  std::erase(yielded_, yielded);
  std::replace(resuming_.begin(), resuming_.end(), yielded, std::coroutine_handle<>());
}

void EventLoop::run() {
  while (!stopping_.load(std::memory_order_acquire)) turn(milliseconds(-1));
  stopping_.store(false, std::memory_order_release);
}

void EventLoop::stop() {
  stopping_.store(true, std::memory_order_release);
  mailbox_.post([] {});
}

void EventLoop::turn(milliseconds atMost) {
  int timeout = timers_.timeout(now_);
  if (atMost.count() >= 0 && (timeout < 0 || timeout > atMost.count())) timeout = static_cast<int>(atMost.count());
  if (!yielded_.empty()) timeout = 0;
  eventCount_ = std::max(::epoll_wait(epoll_.get(), events_.data(), kBatch, timeout), 0);
  now_ = clock_.now();
  ++turns_;
  bool mail = false;
  for (eventNext_ = 0; eventNext_ < eventCount_;) {
    const epoll_event event = events_[static_cast<std::size_t>(eventNext_++)];
    if (event.events == 0) continue;  // forgotten meanwhile
    if (event.data.ptr == nullptr) {
      mail = true;
    } else {
      static_cast<Socket*>(event.data.ptr)->onEvents(event.events);
    }
  }
  eventCount_ = 0;
  resuming_.swap(yielded_);
  for (std::size_t i = 0; i < resuming_.size(); ++i) {
    if (const auto handle = std::exchange(resuming_[i], {})) handle.resume();
  }
  resuming_.clear();
  if (mail) mailbox_.deliver();
  timers_.advance(now_);
}

}  // namespace loam::io
