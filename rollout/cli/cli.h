#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "rollout/cli/commands.h"
#include "rollout/cli/session.h"

namespace loam::cli {

/// The program `loam`: its command tree, and one run of it.
class Cli {
 public:
  /// `restore`: what `loam restore` does with files; the store's, which this library does not know.
  Cli(Terminal terminal, Home home, Restore restore = {});
  Cli(const Cli&) = delete;
  Cli& operator=(const Cli&) = delete;

  /// `arguments` without the program's name. Gives the exit status.
  int run(std::vector<std::string> arguments);
  const CLI::App& app() const { return app_; }

 private:
  void addOwnCommands();

  Session session_;
  CLI::App app_;
};

}  // namespace loam::cli
