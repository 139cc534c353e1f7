#include "rollout/cli/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "proxy/base/descriptor.h"

namespace loam::cli {

namespace {

[[noreturn]] void become(const std::string& program, std::vector<char*>& arguments, const std::string& home, int log) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::setenv("LOAM_HOME", home.c_str(), 1);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execv(program.c_str(), arguments.data());
  ::_exit(127);
}

}  // namespace

Result<Child> Child::start(const std::string& program, const std::vector<std::string>& arguments,
                           const std::string& home, const std::string& log) {
  if (::access(program.c_str(), X_OK) != 0) return fail(systemError(errno, "starting " + program));
  const Descriptor file(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return fail(systemError(errno, "writing " + log));
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), program);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return fail(systemError(errno, "starting " + program));
  if (pid == 0) become(program, pointers, home, file.get());
  return Child(pid, log);
}

Child::~Child() {
  if (!runs()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Child::runs() {
  if (pid_ == 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = 0;
  return false;
}

void Child::terminate() const {
  if (pid_ != 0) ::kill(pid_, SIGTERM);
}

std::string Child::lastWords() const {
  std::ifstream file(log_);
  std::string line;
  std::string last;
  while (std::getline(file, line)) {
    if (!line.empty()) last = line;
  }
  return last;
}

}  // namespace loam::cli
