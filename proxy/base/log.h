#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace loam {

enum class LogLevel { Debug, Info, Warn, Error };

/// Lines of key=value on stderr, written by a thread of their own so that no caller waits for a pipe. Under journald
/// (JOURNAL_STREAM) a line starts with its <priority>. A queue of 1 024 lines bounds it; what does not fit is dropped
/// and counted in the next line that does. Any thread; workers log rare events only, never one an exchange.
class Log {
 public:
  using Field = std::pair<std::string_view, std::string>;

  explicit Log(LogLevel least = LogLevel::Info, int fd = 2);
  ~Log();  ///< writes what is queued
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// `component` is the folder's name. Control characters in values are escaped (E11), values with spaces quoted.
  void write(LogLevel level, std::string_view component, std::string_view message,
             std::initializer_list<Field> fields = {});
  void info(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(LogLevel::Info, component, message, fields);
  }
  void warn(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(LogLevel::Warn, component, message, fields);
  }
  void error(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(LogLevel::Error, component, message, fields);
  }

 private:
  void drain();

  const LogLevel least_;
  const int fd_;
  const bool journal_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> lines_;
  std::uint64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread writer_;
};

/// `text` with quotes, backslashes and control characters escaped, safe for a terminal and for one line of a log.
std::string escapeForTerminal(std::string_view text);

}  // namespace loam
