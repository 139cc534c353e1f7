#include <filesystem>
#include <memory>

#include "rollout/cli/commands.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

int backUp(const Session& session, const std::string& file) {
  std::error_code failed;
  Json::Value body(Json::objectValue);
  body["file"] = std::filesystem::absolute(file, failed).lexically_normal().string();
  const auto done = session.change("POST", "/v1/backup", body);
  if (!done) return session.end(done.error());
  session.terminal.out << printable((*done)["file"].asString()) << "\n";
  session.terminal.err << bytesText((*done)["bytes"].asUInt64()) << ", on the controller's host\n";
  return kOk;
}

ExitStatus statusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::NotFound:
      return kNotFound;
    case ErrorCode::Conflict:
      return kConflict;
    case ErrorCode::Denied:
      return kDenied;
    default:
      return kError;
  }
}

int restore(const Session& session, const Restore& restoreFile, const std::string& backup, std::string target) {
  if (!restoreFile) return session.end({kError, "this program was built without the store", {}});
  if (target.empty()) target = session.home.state + "/control.db";
  const auto aside = restoreFile(backup, target);
  if (!aside) return session.end({statusOf(aside.error().code), printable(aside.error().context), {}});
  session.terminal.err << printable(target) << " is as in " << printable(backup);
  if (!aside->empty()) session.terminal.err << "; what was there is " << printable(aside->string());
  session.terminal.err << "\nstart loam-controller: proxies take its snapshots as newer than all before\n";
  return kOk;
}

}  // namespace

void addBackupCommands(CLI::App& app, Session& session, Restore restoreFile) {
  struct Typed {
    std::string file, into;
  };
  const auto typed = std::make_shared<Typed>();
  CLI::App& backing =
      *app.add_subcommand("backup", "A consistent copy of flags, changes and audit log, while all runs");
  backing.footer("The controller writes it, on its host and as its user, mode 0600; never over a file that is there.");
  backing.add_option("file", typed->file, "that is not there yet")->required()->option_text("FILE");
  session.addController(backing);
  session.runs(backing, [&session, typed] { return backUp(session, typed->file); });

  CLI::App& restoring =
      *app.add_subcommand("restore", "Put a backup in the place of control.db, with the controller ended");
  restoring.footer(
      "The backup is checked whole before anything is changed; the old file is kept beside it. Status 4 when a "
      "controller\n"
      "has the file.");
  restoring.add_option("file", typed->file, "of `loam backup`")->required()->option_text("FILE");
  restoring.add_option("--into", typed->into, "the file that it replaces ($LOAM_HOME/control.db)")->option_text("FILE");
  session.runs(restoring, [&session, typed, restoreFile = std::move(restoreFile)] {
    return restore(session, restoreFile, typed->file, typed->into);
  });
}

}  // namespace loam::cli
