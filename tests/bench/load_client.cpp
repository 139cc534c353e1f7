#include <sys/epoll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>

#include "tests/bench/load_plan.h"
#include "tests/bench/loopback.h"

namespace loam::bench {

namespace {

using Steady = std::chrono::steady_clock;

/// One connection of the generator and the exchange on it.
struct Lane {
  Line line;
  bool busy = false;
  bool sent = false;
  std::size_t received = 0;
  Steady::time_point started;
};

class Load {
 public:
  explicit Load(const LoadPlan& plan)
      : plan_(plan), dialer_(plan.target), lanes_(plan.connections), poller_(::epoll_create1(EPOLL_CLOEXEC)) {
    ::prctl(PR_SET_TIMERSLACK, 1);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    for (Lane& lane : lanes_)
      if (lane.line.isThere()) lane.line.close();
    ::close(poller_);
  }

  LoadOutcome run() {
    if (!plan_.fresh)
      for (Lane& lane : lanes_) open(lane);
    begin_ = Steady::now();
    const auto end =
        plan_.seconds > 0
            ? begin_ + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(plan_.seconds))
            : Steady::time_point::max();
    for (;;) {
      const auto now = Steady::now();
      if (now >= end) break;
      startDue(now);
      if (plan_.count != 0 && outcome_.exchanges + outcome_.errors >= plan_.count) break;
      wait(std::min(end, nextDue()), now);
    }
    outcome_.seconds = std::chrono::duration<double>(Steady::now() - begin_).count();
    if (plan_.rate > 0) outcome_.unsent = static_cast<std::uint64_t>(outcome_.seconds * plan_.rate) - issued_;
    return std::move(outcome_);
  }

 private:
  bool open(Lane& lane) {
    if (!lane.line.connect(dialer_)) {
      ++outcome_.errors;
      return false;
    }
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &lane}};
    ::epoll_ctl(poller_, EPOLL_CTL_ADD, lane.line.fd(), &event);
    return true;
  }

  /// When the exchange that is next to be issued is due in open loop.
  Steady::time_point due() const {
    return begin_ +
           std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(issued_) / plan_.rate * 1e9));
  }

  Steady::time_point nextDue() const {
    const bool free = std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return !lane.busy; });
    return plan_.rate > 0 && free ? due() : Steady::time_point::max();
  }

  void startDue(Steady::time_point now) {
    for (Lane& lane : lanes_) {
      if (plan_.count != 0 && issued_ >= plan_.count) return;
      if (plan_.rate > 0 && due() > now) return;
      if (!lane.busy) issue(lane, plan_.rate > 0 ? due() : Steady::now());
    }
  }

  void issue(Lane& lane, Steady::time_point intended) {
    ++issued_;
    lane.started = intended;
    lane.received = 0;
    if (!lane.line.isThere() && !open(lane)) return;
    lane.busy = true;
    lane.sent = false;
    send(lane);
  }

  /// Once the connection is open.
  void send(Lane& lane) {
    const Line::State state = lane.line.open();
    if (state == Line::State::Opening) return;
    lane.sent = true;
    const auto size = static_cast<ssize_t>(plan_.request.size());
    if (state == Line::State::Broken ||
        (size != 0 && lane.line.send(plan_.request.data(), plan_.request.size()) != size))
      fail(lane);
  }

  void fail(Lane& lane) {
    ++outcome_.errors;
    hangUp(lane);
  }

  void hangUp(Lane& lane) {
    lane.line.close();
    lane.busy = false;
  }

  void finish(Lane& lane, Steady::time_point now) {
    const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(now - lane.started).count();
    outcome_.latencies.push_back(
        static_cast<std::uint32_t>(std::min<std::int64_t>(took, std::numeric_limits<std::uint32_t>::max())));
    ++outcome_.exchanges;
    lane.busy = false;
    if (plan_.fresh) hangUp(lane);
  }

  void receive(Lane& lane) {
    if (lane.busy && !lane.sent) return send(lane);
    const ssize_t count = lane.line.receive(buffer_.data(), buffer_.size());
    if (count < 0 && errno == EAGAIN) return;
    const bool whole = lane.received == plan_.reply;
    if (count == 0 && plan_.untilEnd && whole) return finish(lane, Steady::now());
    if (count <= 0) return fail(lane);
    lane.received += static_cast<std::size_t>(count);
    if (!lane.busy || lane.received > plan_.reply) return fail(lane);
    if (lane.received < plan_.reply || plan_.untilEnd) return;
    finish(lane, Steady::now());
    const bool more = plan_.count == 0 || issued_ < plan_.count;
    if (plan_.rate <= 0 && !plan_.fresh && more) issue(lane, Steady::now());
  }

  void wait(Steady::time_point until, Steady::time_point now) {
    const auto left = std::clamp<Steady::duration>(until - now, Steady::duration::zero(), std::chrono::seconds(1));
    const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    const timespec timeout{.tv_sec = nanos / 1'000'000'000, .tv_nsec = nanos % 1'000'000'000};
    std::array<epoll_event, 64> events;
    const int count = ::epoll_pwait2(poller_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    for (int i = 0; i < count; ++i) receive(*static_cast<Lane*>(events[static_cast<std::size_t>(i)].data.ptr));
  }

  const LoadPlan& plan_;
  const Dialer dialer_;
  std::vector<Lane> lanes_;
  int poller_;
  LoadOutcome outcome_;
  std::uint64_t issued_ = 0;
  Steady::time_point begin_;
  std::array<char, 64 * 1024> buffer_;
};

/// Both ways of one bulk stream.
struct Stream {
  int fd = -1;
  std::uint64_t toSend = 0;
  std::uint64_t toReceive = 0;
};

bool pump(Stream& stream, const std::string& bytes, std::string& sink) {
  if (stream.toSend != 0) {
    const auto sent = ::send(stream.fd, bytes.data(), std::min<std::uint64_t>(stream.toSend, bytes.size()),
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) stream.toSend -= static_cast<std::uint64_t>(sent);
  }
  const auto count = ::recv(stream.fd, sink.data(), sink.size(), MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN;
  stream.toReceive -= static_cast<std::uint64_t>(count);
  return count != 0 || stream.toReceive == 0;
}

}  // namespace

LoadOutcome runLoad(const LoadPlan& plan) { return Load(plan).run(); }

unsigned holdIdle(const LoadPlan& plan) {
  unsigned failed = 0;
  std::vector<int> held;
  std::string reply(plan.reply, '\0');
  for (unsigned i = 0; i < plan.connections; ++i) {
    const int fd = connectTo(plan.target.address, plan.target.port);
    const auto size = static_cast<ssize_t>(plan.request.size());
    if (fd < 0 || ::send(fd, plan.request.data(), plan.request.size(), MSG_NOSIGNAL) != size ||
        ::recv(fd, reply.data(), reply.size(), MSG_WAITALL) != static_cast<ssize_t>(reply.size()))
      ++failed;
    if (fd >= 0) held.push_back(fd);
  }
  std::puts("ready");
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  for (const int fd : held) ::close(fd);
  return failed;
}

double runBulk(const LoadPlan& plan, std::uint64_t bytes) {
  const std::string payload = noise(kBulkStep);
  std::string sink(kBulkStep, '\0');
  std::string head(kBulkMark, sizeof kBulkMark);
  head.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  std::vector<Stream> running(plan.connections);
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  const auto begin = Steady::now();
  for (Stream& stream : running) {
    stream = {connectTo(plan.target.address, plan.target.port), bytes, bytes};
    if (stream.fd < 0 || ::send(stream.fd, head.data(), head.size(), MSG_NOSIGNAL) < 0) return -1;
    epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.ptr = &stream}};
    ::epoll_ctl(poller, EPOLL_CTL_ADD, stream.fd, &event);
  }
  bool whole = true;
  for (unsigned open = plan.connections; open != 0 && whole;) {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), 10'000);
    whole = count > 0;
    for (int i = 0; i < count; ++i) {
      Stream& stream = *static_cast<Stream*>(events[static_cast<std::size_t>(i)].data.ptr);
      const bool wasSending = stream.toSend != 0;
      whole = whole && pump(stream, payload, sink);
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &stream}};
      if (wasSending && stream.toSend == 0) ::epoll_ctl(poller, EPOLL_CTL_MOD, stream.fd, &event);
      if (stream.toReceive != 0 || stream.toSend != 0) continue;
      ::close(stream.fd);
      --open;
    }
  }
  ::close(poller);
  return whole ? std::chrono::duration<double>(Steady::now() - begin).count() : -1;
}

}  // namespace loam::bench
