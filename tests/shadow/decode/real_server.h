#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace loam::decode::testing {

/// A directory of its own below /tmp, owned by `user` when the test runs as root; removed at the end.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(const std::string& user = {});
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A program that runs until this is destroyed: ended by its process id, with SIGTERM first.
class RealServer {
 public:
  /// Runs `command` as `user` when the test runs as root, its output in `log`.
  RealServer(std::vector<std::string> command, const std::string& user, const std::string& log);
  ~RealServer();
  RealServer(const RealServer&) = delete;
  RealServer& operator=(const RealServer&) = delete;

  /// Waits until it accepts connections on 127.0.0.1:`port`; false when it ended or took 60 s.
  bool listens(std::uint16_t port) const;

 private:
  pid_t process_ = -1;
};

/// A port of loopback that nobody listens on now.
std::uint16_t freePort();
/// The first of `paths` that is there; empty when none is.
std::string firstExisting(const std::vector<std::string>& paths);

struct Finished {
  int status = -1;  ///< of exit; -1 when a signal ended it
  std::string output;
};
/// Runs a program to its end, as `user` when that is not empty and the test runs as root.
Finished runProgram(const std::vector<std::string>& command, const std::string& user = {});

}  // namespace loam::decode::testing
