#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/result.h"

namespace loam::cli {

/// A program that lives no longer than this one: started here, in a group of its own (Ctrl-C is ours), killed with us.
class Child {
 public:
  /// Starts `program` with `arguments` and LOAM_HOME=`home`; its output goes to the file `log`.
  static Result<Child> start(const std::string& program, const std::vector<std::string>& arguments,
                             const std::string& home, const std::string& log);
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)), log_(std::move(other.log_)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(log_, other.log_);
    return *this;
  }
  ~Child();

  bool runs();
  /// Sends SIGTERM.
  void terminate() const;
  /// Last line that it wrote, for an error message.
  std::string lastWords() const;

 private:
  Child(pid_t pid, std::string log) : pid_(pid), log_(std::move(log)) {}

  pid_t pid_ = 0;
  std::string log_;
};

}  // namespace loam::cli
