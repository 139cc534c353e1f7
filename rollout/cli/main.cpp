#include <csignal>
#include <iostream>

#include "db/restore_ledger.h"
#include "rollout/cli/cli.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  loam::cli::Cli cli(loam::cli::processTerminal(), loam::findHome(), loam::db::restoreLedger);
  const int status = cli.run(std::vector<std::string>(argv + 1, argv + argc));
  std::cout.flush();
  // A reader that went away (`| head`) is no error of ours; a full disk is.
  return status == 0 && !std::cout && errno != EPIPE ? 1 : status;
}
