#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"
#include "proxy/base/descriptor.h"
#include "proxy/guard/guard_client.h"

namespace loam::guard {

/// A process that a test started: killed and reaped when it goes out of scope, or with the test.
class Child {
 public:
  Child() = default;
  /// Forks; the child is `body` and nothing else.
  static Child run(const std::function<int()>& body);
  static Child exec(const std::vector<std::string>& command);
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&& other) noexcept;
  ~Child() { end(); }

  void signal(int number) const;
  /// Kills and reaps it.
  void end();
  /// Its exit status once it ends by itself, -1 when that takes longer.
  int wait(milliseconds patience);
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

/// A network namespace, by descriptor.
class Namespace {
 public:
  /// A new one; this thread moves in.
  static Namespace enterNew();
  /// Does `body` inside, then comes back.
  void within(const std::function<void()>& body) const;
  std::string path() const;

 private:
  Descriptor descriptor_;
};

/// A host to be captured (10.77.0.1, fd77::1; where this process runs) and a far one (10.77.0.2, fd77::2), joined by a
/// veth pair. Skipped, with the reason, where this process may not make namespaces.
class HostTest : public ::testing::Test {
 protected:
  void SetUp() override;
  /// Everything that removal must restore: rule set, ip rules, routes of all tables.
  static std::string hostState();
  /// A third host behind this one, which forwards to it: 10.78.0.2, with a server at `port`.
  static Namespace thirdHost(std::uint16_t port, Child& server);

  Namespace host_;
  Namespace far_;
};

/// What a shell command prints; fails the test when the command fails.
std::string shell(const std::string& command);
/// Stands still until `done`, looking every 10 ms; false after `patience`.
bool eventually(const std::function<bool()>& done, milliseconds patience = milliseconds(5000));

/// Listens on [::]:port (both families). Says "PEER_ADDRESS:PORT\n" to whoever connects, then echoes.
Child startServer(std::uint16_t port);
/// A connection to `to`, reads bounded by `patience`; empty when it fails. From `from` when that is given.
Descriptor dial(const std::string& to, milliseconds patience = milliseconds(2000), const std::string& from = "");
/// One line, without its end; empty at a failure.
std::string readLine(int socket);
/// Sends `text` and expects it back.
bool echoes(int socket, const std::string& text);
/// "ADDRESS:PORT" of the socket's own end.
std::string localName(int socket);

/// loam-guard as a process, its socket in a directory of its own.
class GuardProcess {
 public:
  explicit GuardProcess(std::vector<std::string> options = {});
  ~GuardProcess();
  const std::string& socket() const { return socket_; }
  Child& process() { return process_; }
  GuardClient client() const;
  /// Kills it (SIGKILL), or lets it end by itself (SIGTERM), and starts it again with the same options.
  void kill() { process_.end(); }
  void start();
  std::string stateFile() const { return directory_ + "/guard.closed"; }

 private:
  std::string directory_;
  std::string socket_;
  std::vector<std::string> command_;
  Child process_;
};

}  // namespace loam::guard
