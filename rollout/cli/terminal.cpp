#include "rollout/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace loam::cli {

namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

Terminal processTerminal() {
  Terminal terminal{std::cout, std::cerr};
  terminal.interactive = ::isatty(STDOUT_FILENO) == 1;
  const bool forced = !environment("CLICOLOR_FORCE").empty() && environment("CLICOLOR_FORCE") != "0";
  const bool refused = !environment("NO_COLOR").empty() || environment("TERM") == "dumb";
  terminal.colour = !refused && (terminal.interactive || forced);
  winsize size{};
  if (terminal.interactive && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    terminal.width = size.ws_col;
    terminal.height = size.ws_row;
  }
  return terminal;
}

}  // namespace loam::cli
