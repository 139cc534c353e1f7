#include "tests/proxy/guard/tiny_proxy.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>

namespace loam::guard {

namespace {

std::atomic<int> silenced{0};  // set by signal handlers
std::atomic<int> released{0};

SocketAddress originalDestination(int socket, bool v4) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  constexpr int kOriginalDestination =
      80;  // SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST; their headers clash with netinet/in.h
  ::getsockopt(socket, v4 ? SOL_IP : SOL_IPV6, kOriginalDestination, &storage, &size);
  return SocketAddress::from(storage);
}

SocketAddress peerOf(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  ::getpeername(socket, reinterpret_cast<sockaddr*>(&storage), &size);
  return SocketAddress::from(storage);
}

/// Binds as guard_client.h says that a proxy should.
Descriptor dialFor(const SocketAddress& client, const SocketAddress& destination, const CaptureTerms& terms,
                   bool transparent) {
  sockaddr_storage to{};
  const socklen_t size = destination.to(to);
  Descriptor socket(::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  const std::uint32_t mark = transparent ? terms.transparentMark : terms.mark;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (transparent) {
    const bool v4 = to.ss_family == AF_INET;
    ::setsockopt(socket.get(), v4 ? SOL_IP : SOL_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof on);
  }
  ::setsockopt(socket.get(), SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_storage from{};
  const socklen_t fromSize = SocketAddress{client.ip, transparent ? client.port : std::uint16_t{0}}.to(from);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&from), fromSize) != 0) return Descriptor();
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&to), size) != 0) return Descriptor();
  return socket;
}

void relay(int one, int other) {
  pollfd ends[2] = {{one, POLLIN, 0}, {other, POLLIN, 0}};
  char buffer[16384];
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (::poll(ends, 2, -1) < 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      const ssize_t size = ::read(ends[i].fd, buffer, sizeof buffer);
      const int to = i == 0 ? other : one;
      if (size > 0 && ::send(to, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL) == size) continue;
      ::shutdown(to, SHUT_WR);
      ends[i].fd = -1;
    }
  }
}

void serve(Descriptor client, CaptureTerms terms, TinyProxy::Seen* seen, bool inbound) {
  const SocketAddress from = peerOf(client.get());
  const SocketAddress to = originalDestination(client.get(), from.ip.isV4());
  {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    std::strncpy(seen->lastDestination, to.text().c_str(), sizeof seen->lastDestination - 1);
  }
  ++(inbound ? seen->inbound : seen->outbound);
  Descriptor server = dialFor(from, to, terms, inbound && terms.transparent);
  if (server) relay(client.get(), server.get());
}

void beat(int page, unsigned workers, std::uint64_t count) {
  for (unsigned worker = 0; worker < workers; ++worker) {
    if (silenced && worker + 1 == workers) continue;
    (void)!::pwrite(page, &count, sizeof count, static_cast<off_t>(worker * sizeof count));
  }
}

void heartbeat(int page, unsigned workers) {
  for (std::uint64_t count = 2;; ++count) {
    beat(page, workers, count);
    std::this_thread::sleep_for(milliseconds(100));
  }
}

Result<Listeners> join(GuardClient& guard, unsigned workers, CaptureTerms& terms) {
  const int page = ::memfd_create("heartbeats", MFD_CLOEXEC);
  (void)!::ftruncate(page, static_cast<off_t>(workers * sizeof(std::uint64_t)));
  beat(page, workers, 1);  // so that capture is alive as soon as engage() returns
  std::thread(heartbeat, page, workers).detach();
  auto listeners = guard.attach(workers, page, terms);
  if (!listeners) return listeners;
  LOAM_TRY(guard.engage());
  return listeners;
}

int proxy(const std::string& guardSocket, unsigned workers, unsigned user, int tell, TinyProxy::Seen* seen) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGUSR1, [](int) { silenced = 1; });
  ::signal(SIGTERM, [](int) { released = 1; });
  if (user != 0 && ::setresuid(user, user, user) != 0) return 1;
  auto guard = GuardClient::connect(guardSocket);
  CaptureTerms terms;
  const auto listeners = guard ? join(*guard, workers, terms) : Result<Listeners>(fail(guard.error()));
  const std::string word = listeners ? "ready" : listeners.error().context;
  seen->transparent = terms.transparent;
  (void)!::write(tell, word.data(), word.size());
  ::close(tell);
  if (!listeners) return 1;
  std::vector<pollfd> sockets;
  for (const Descriptor& socket : listeners->outbound) sockets.push_back({socket.get(), POLLIN, 0});
  for (const Descriptor& socket : listeners->inbound) sockets.push_back({socket.get(), POLLIN, 0});
  for (bool told = false;;) {
    if (released && !told) told = guard->release(false).has_value();
    if (::poll(sockets.data(), sockets.size(), 50) <= 0) continue;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      const int client = sockets[i].revents ? ::accept4(sockets[i].fd, nullptr, nullptr, SOCK_CLOEXEC) : -1;
      if (client >= 0) std::thread(serve, Descriptor(client), terms, seen, i >= listeners->outbound.size()).detach();
    }
  }
}

}  // namespace

TinyProxy::TinyProxy(const std::string& guardSocket, unsigned workers, unsigned user) {
  void* page = ::mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  seen_ = new (page) Seen();
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  process_ = Child::run([&] { return proxy(guardSocket, workers, user, ends[1], seen_); });
  ::close(ends[1]);
  char word[512] = {};
  (void)!::read(ends[0], word, sizeof word - 1);
  ::close(ends[0]);
  if (std::string(word) != "ready") error_ = word;
}

TinyProxy::~TinyProxy() {
  process_.end();
  ::munmap(seen_, sizeof(Seen));
}

}  // namespace loam::guard
