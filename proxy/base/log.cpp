#include "proxy/base/log.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>

namespace loam {

namespace {

constexpr std::size_t kMostLines = 1024;

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warn:
      return "warn";
    case LogLevel::Error:
      return "error";
  }
  return "error";
}

std::string_view journalPriority(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "<7>";
    case LogLevel::Info:
      return "<6>";
    case LogLevel::Warn:
      return "<4>";
    case LogLevel::Error:
      return "<3>";
  }
  return "<3>";
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t whole = std::chrono::system_clock::to_time_t(now);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  char buffer[40];
  const auto length = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string fraction = std::to_string(1000 + millis).substr(1);
  return std::string(buffer, length) + "." + fraction + "Z";
}

std::string quoted(std::string_view value) {
  const std::string escaped = escapeForTerminal(value);
  if (!escaped.empty() && escaped.size() == value.size() && escaped.find_first_of(" =") == std::string::npos)
    return escaped;
  return "\"" + escaped + "\"";
}

}  // namespace

std::string escapeForTerminal(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && byte < 0xa0)) {
      constexpr char kHex[] = "0123456789abcdef";
      out.append("\\x").push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

Log::Log(LogLevel least, int fd)
    : least_(least), fd_(fd), journal_(std::getenv("JOURNAL_STREAM") != nullptr), writer_([this] { drain(); }) {}

Log::~Log() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  writer_.join();
}

void Log::write(LogLevel level, std::string_view component, std::string_view message,
                std::initializer_list<Field> fields) {
  if (level < least_) return;
  std::string line;
  if (journal_) {
    line.append(journalPriority(level));
  } else {
    line.append("ts=").append(timestamp()).append(" ");
  }
  line.append("level=")
      .append(name(level))
      .append(" component=")
      .append(component)
      .append(" msg=")
      .append(quoted(message));
  for (const auto& [key, value] : fields) line.append(" ").append(key).append("=").append(quoted(value));
  line.push_back('\n');
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() >= kMostLines) {
      ++dropped_;
      return;
    }
    if (dropped_ != 0) {
      line.insert(line.size() - 1, " dropped_before=" + std::to_string(std::exchange(dropped_, 0)));
    }
    lines_.push_back(std::move(line));
  }
  wake_.notify_one();
}

void Log::drain() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !lines_.empty(); });
    if (lines_.empty()) return;
    const std::string line = std::move(lines_.front());
    lines_.pop_front();
    lock.unlock();
    std::string_view rest = line;
    while (!rest.empty()) {
      const auto written = ::write(fd_, rest.data(), rest.size());
      if (written <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    lock.lock();
  }
}

}  // namespace loam
