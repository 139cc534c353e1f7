#include "tests/proxy/guard/host.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace loam::guard {

Child Child::run(const std::function<int()>& body) {
  Child child;
  std::fflush(nullptr);
  child.pid_ = ::fork();
  if (child.pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::_exit(body());
  }
  return child;
}

Child Child::exec(const std::vector<std::string>& command) {
  return run([&] {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments.front(), arguments.data());
    return 127;
  });
}

Child& Child::operator=(Child&& other) noexcept {
  end();
  pid_ = std::exchange(other.pid_, 0);
  return *this;
}

void Child::signal(int number) const { ::kill(pid_, number); }

void Child::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(std::exchange(pid_, 0), nullptr, 0);
}

int Child::wait(milliseconds patience) {
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, patience)) return -1;
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Namespace Namespace::enterNew() {
  Namespace made;
  EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
  made.descriptor_ = Descriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  return made;
}

void Namespace::within(const std::function<void()>& body) const {
  const Descriptor back(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::setns(descriptor_.get(), CLONE_NEWNET), 0);
  body();
  ASSERT_EQ(::setns(back.get(), CLONE_NEWNET), 0);
}

std::string Namespace::path() const {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(descriptor_.get());
}

void HostTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
  far_ = Namespace::enterNew();
  shell("ip link set lo up");
  host_ = Namespace::enterNew();
  shell("ip link set lo up && ip link add near type veth peer name far netns " + far_.path());
  shell("ip addr add 10.77.0.1/24 dev near && ip addr add fd77::1/64 dev near nodad && ip link set near up");
  far_.within(
      [] { shell("ip addr add 10.77.0.2/24 dev far && ip addr add fd77::2/64 dev far nodad && ip link set far up"); });
  // Link-local addresses settle; a state that is compared later must not.
  eventually([] { return shell("ip -6 addr show tentative").empty(); });
}

Namespace HostTest::thirdHost(std::uint16_t port, Child& server) {
  Namespace third;
  std::thread([&] { third = Namespace::enterNew(); }).join();
  shell("ip link add inner type veth peer name third netns " + third.path());
  shell("ip addr add 10.78.0.1/24 dev inner && ip link set inner up && echo 1 > /proc/sys/net/ipv4/ip_forward");
  third.within([&] {
    shell("ip addr add 10.78.0.2/24 dev third && ip link set third up && ip route add default via 10.78.0.1");
    server = startServer(port);
  });
  return third;
}

std::string HostTest::hostState() {
  // When the pair of links that a test made has a carrier is the kernel's to say, a while later.
  return shell(
      "{ nft -s list ruleset; ip -4 rule; ip -6 rule; ip -4 route show table all; ip -6 route show table all; } | "
      "sed 's/ linkdown//'");
}

std::string shell(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[4096];
  for (std::size_t size = 0; (size = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, size);
  EXPECT_EQ(::pclose(pipe), 0) << command << "\n" << output;
  return output;
}

bool eventually(const std::function<bool()>& done, milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return true;
}

namespace {

void serveOne(int socket) {
  const Descriptor closing(socket);
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size);
  const std::string greeting = SocketAddress::from(peer).text() + "\n";
  (void)!::write(socket, greeting.data(), greeting.size());
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(socket, buffer, sizeof buffer)) > 0;)
    (void)!::write(socket, buffer, static_cast<std::size_t>(n));
}

}  // namespace

Child startServer(std::uint16_t port) {
  const int listener = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const Descriptor closing(listener);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage any{};
  const socklen_t size = SocketAddress{IpAddress(), port}.to(any, true);
  EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&any), size), 0);
  EXPECT_EQ(::listen(listener, 128), 0);
  return Child::run([listener] {
    ::signal(SIGPIPE, SIG_IGN);
    for (;;) {
      const int socket = ::accept(listener, nullptr, nullptr);
      if (socket >= 0) std::thread(serveOne, socket).detach();
    }
    return 0;
  });
}

Descriptor dial(const std::string& to, milliseconds patience, const std::string& from) {
  const auto address = SocketAddress::parse(to);
  EXPECT_TRUE(address) << to;
  sockaddr_storage storage{};
  const socklen_t size = address->to(storage);
  Descriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval wait{patience.count() / 1000, (patience.count() % 1000) * 1000};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (!from.empty()) {
    sockaddr_storage own{};
    const socklen_t ownSize = SocketAddress{*IpAddress::parse(from), 0}.to(own);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&own), ownSize), 0);
  }
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) return Descriptor();
  return socket;
}

std::string readLine(int socket) {
  std::string line;
  char byte = 0;
  while (::read(socket, &byte, 1) == 1) {
    if (byte == '\n') return line;
    line.push_back(byte);
  }
  return "";
}

bool echoes(int socket, const std::string& text) {
  if (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) return false;
  std::string back(text.size(), '\0');
  return ::recv(socket, back.data(), back.size(), MSG_WAITALL) == static_cast<ssize_t>(text.size()) && back == text;
}

std::string localName(int socket) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size);
  return SocketAddress::from(own).text();
}

GuardProcess::GuardProcess(std::vector<std::string> options) {
  std::string pattern = std::filesystem::temp_directory_path() / "loam-guard-test-XXXXXX";
  directory_ = ::mkdtemp(pattern.data());
  ::chmod(directory_.c_str(), 0755);
  socket_ = directory_ + "/guard.sock";
  command_ = {LOAM_GUARD_PATH, "--socket", socket_, "--state-dir", directory_};
  command_.insert(command_.end(), options.begin(), options.end());
  start();
}

void GuardProcess::start() {
  process_ = Child::exec(command_);
  EXPECT_TRUE(eventually([this] {
    auto client = GuardClient::connect(socket_);
    return client && client->showCapture().has_value();  // it listens first and answers once its rules are in place
  }));
}

GuardProcess::~GuardProcess() {
  process_.end();
  std::filesystem::remove_all(directory_);
}

GuardClient GuardProcess::client() const {
  auto client = GuardClient::connect(socket_);
  EXPECT_TRUE(client) << client.error().context;
  return std::move(*client);
}

}  // namespace loam::guard
