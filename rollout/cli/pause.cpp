#include "rollout/cli/pause.h"

#include <charconv>
#include <cmath>
#include <csignal>
#include <ctime>

namespace loam::cli {

namespace {

sigset_t endingSignals() {
  sigset_t ending;
  ::sigemptyset(&ending);
  ::sigaddset(&ending, SIGINT);
  ::sigaddset(&ending, SIGTERM);
  return ending;
}

}  // namespace

void holdSignals() {
  const sigset_t ending = endingSignals();
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
}

bool pauseFor(double seconds) {
  const sigset_t ending = endingSignals();
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &ending, &before);
  timespec time{};
  time.tv_sec = static_cast<std::time_t>(seconds);
  time.tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9);
  const int signal = ::sigtimedwait(&ending, nullptr, &time);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return signal <= 0;
}

double lengthSeconds(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !(value > 0) || value > 1e9) return -1;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.empty() || unit == "s") return value;
  if (unit == "m") return value * 60;
  if (unit == "h") return value * 3600;
  if (unit == "d") return value * 86'400;
  return -1;
}

}  // namespace loam::cli
