#include "tests/shadow/decode/real_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <thread>

#include "proxy/base/assert.h"
#include "proxy/base/descriptor.h"

namespace loam::decode::testing {
namespace {

/// Starts `command` with its output going to `output`.
pid_t start(std::vector<std::string> command, const std::string& user, int output) {
  if (!user.empty() && ::geteuid() == 0) {
    command.insert(command.begin(),
                   {"setpriv", "--reuid=" + user, "--regid=" + user, "--init-groups", "--pdeathsig=TERM"});
  }
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  const pid_t process = ::fork();
  if (process != 0) return process;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that is killed leaves no server behind
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

ScratchDirectory::ScratchDirectory(const std::string& user) : path_("/tmp/loam-test-XXXXXX") {
  LOAM_ASSERT(::mkdtemp(path_.data()) != nullptr);
  const passwd* owner = user.empty() || ::geteuid() != 0 ? nullptr : ::getpwnam(user.c_str());
  if (owner != nullptr) LOAM_ASSERT(::chown(path_.c_str(), owner->pw_uid, owner->pw_gid) == 0);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

RealServer::RealServer(std::vector<std::string> command, const std::string& user, const std::string& log) {
  const Descriptor output(::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644));
  process_ = start(std::move(command), user, output.get());
}

RealServer::~RealServer() {
  if (process_ <= 0) return;
  ::kill(process_, SIGTERM);
  for (int i = 0; i < 200; ++i) {
    if (::waitpid(process_, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

bool RealServer::listens(std::uint16_t port) const {
  const sockaddr_in address = loopback(port);
  for (int i = 0; i < 1200; ++i) {
    const Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    if (::waitpid(process_, nullptr, WNOHANG) != 0) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

std::uint16_t freePort() {
  const Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  LOAM_ASSERT(::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  LOAM_ASSERT(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

std::string firstExisting(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

Finished runProgram(const std::vector<std::string>& command, const std::string& user) {
  int ends[2];
  LOAM_ASSERT(::pipe2(ends, O_CLOEXEC) == 0);
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  const pid_t process = start(command, user, writing.get());
  writing.close();
  Finished finished;
  std::array<char, 4096> buffer;
  for (ssize_t size; (size = ::read(reading.get(), buffer.data(), buffer.size())) > 0;) {
    finished.output.append(buffer.data(), static_cast<std::size_t>(size));
  }
  int status = 0;
  ::waitpid(process, &status, 0);
  if (WIFEXITED(status)) finished.status = WEXITSTATUS(status);
  return finished;
}

}  // namespace loam::decode::testing
