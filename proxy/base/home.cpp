#include "proxy/base/home.h"

#include <unistd.h>

#include <cstdlib>

namespace loam {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Home findHome() {
  if (const std::string home = environment("LOAM_HOME"); !home.empty()) return {home, home + "/run"};
  if (::geteuid() == 0) return {"/var/lib/loam", "/run/loam"};
  std::string state = environment("XDG_STATE_HOME");
  if (state.empty()) state = environment("HOME") + "/.local/state";
  return {state + "/loam", state + "/loam/run"};
}

}  // namespace loam
