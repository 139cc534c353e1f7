#include "rollout/cli/cli.h"

#include <algorithm>
#include <memory>

#include "rollout/cli/commands.h"
#include "rollout/cli/completion.h"
#include "rollout/cli/known_names.h"

namespace loam::cli {

Cli::Cli(Terminal terminal, Home home, Restore restore)
    : session_(terminal, std::move(home)), app_("See who calls whom, and switch the mesh on with evidence", "loam") {
  app_.require_subcommand(1);
  app_.footer(
      "First look:  loam observe --passive      What is missing:  loam doctor\n"
      "Exit status: 0 done, 1 error, 2 usage, 3 not found, 4 conflict, 5 not ready, 6 timeout, 7 waits for a "
      "person,\n             8 unreachable, 9 denied.");
  app_.set_version_flag("--version", "loam " LOAM_VERSION);
  addObserveCommand(app_, session_);
  addDoctorCommand(app_, session_);
  addGraphCommands(app_, session_);
  addServiceCommands(app_, session_);
  addEdgeCommands(app_, session_);
  addNodeCommands(app_, session_);
  addTopCommand(app_, session_);
  addTapCommand(app_, session_);
  addProxyCommands(app_, session_);
  addFlagCommands(app_, session_);
  addPolicyCommands(app_, session_);
  addChangeCommands(app_, session_);
  addReadinessCommand(app_, session_);
  addImpactCommand(app_, session_);
  addExplainCommand(app_, session_);
  addFreezeCommands(app_, session_);
  addStateCommands(app_, session_);
  addAuditCommands(app_, session_);
  addIdentityCommands(app_, session_);
  addBackupCommands(app_, session_, std::move(restore));
  addAccessCommands(app_, session_);
  addEventsCommand(app_, session_);
  addWebhookCommands(app_, session_);
  addCaptureCommands(app_, session_);
  addOwnCommands();
}

void Cli::addOwnCommands() {
  CLI::App& completion = *app_.add_subcommand("completion", "Script that completes commands in your shell");
  completion.footer("Examples:\n  loam completion bash > /etc/bash_completion.d/loam");
  const auto shell = std::make_shared<std::string>();
  completion.add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->option_text("SHELL")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  session_.runs(completion, [this, shell] {
    session_.terminal.out << completionScript(*shell);
    return kOk;
  });

  CLI::App& version = *app_.add_subcommand("version", "Version of this program");
  session_.runs(version, [this] {
    session_.terminal.out << "loam " LOAM_VERSION "\n";
    return kOk;
  });

  addManCommand(app_, session_);
}

int Cli::run(std::vector<std::string> arguments) {
  // The words to complete are no arguments of ours: they may be half an option.
  if (!arguments.empty() && arguments.front() == "__complete") {
    arguments.erase(arguments.begin(), arguments.begin() + (arguments.size() > 1 && arguments[1] == "--" ? 2 : 1));
    const auto names = [this](NameKind kind, const std::vector<std::string>& before) {
      return namesFor(session_, kind, before);
    };
    for (const std::string& word : complete(app_, arguments, names)) session_.terminal.out << word << "\n";
    return kOk;
  }
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app_.parse(arguments);
  } catch (const CLI::ParseError& stopped) {
    return app_.exit(stopped, session_.terminal.out, session_.terminal.err) == 0 ? kOk : kUsage;
  }
  return session_.run();
}

}  // namespace loam::cli
