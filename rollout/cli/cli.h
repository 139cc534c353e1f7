#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "rollout/cli/session.h"

namespace loam::cli {

/// The program `loam`: its command tree, and one run of it.
class Cli {
 public:
  Cli(Terminal terminal, Home home);
  Cli(const Cli&) = delete;
  Cli& operator=(const Cli&) = delete;

  /// `arguments` without the program's name. Gives the exit status.
  int run(std::vector<std::string> arguments);
  const CLI::App& app() const { return app_; }

 private:
  void addOwnCommands();
  int writeManPages(const std::string& directory) const;

  Session session_;
  CLI::App app_;
};

}  // namespace loam::cli
