#include <filesystem>

#include "rollout/api/flag_routes.h"
#include "rollout/api/problem.h"

namespace loam::api {

namespace {

using http::Response;

Response show(const Control& control, std::uint64_t epoch) {
  Json::Value out(Json::objectValue);
  out["epoch"] = Json::UInt64(epoch);
  out["revision"] = Json::UInt64(control.flags.desired()->revision);
  out["journalled"] = control.flags.isJournalled();
  out["open_changes"] = Json::UInt64(control.changes.open().size());
  return ok(out);
}

Response backUp(const Control& control, const Call& call) {
  constexpr std::size_t kLongestPath = 4096;
  Ask ask(call, "backup", {"file"});
  ask.fields().require("file");
  const std::filesystem::path file = ask.fields().text("file", kLongestPath).value_or("");
  if (ask.fields().has("file") && !file.is_absolute())
    ask.fields().problem("file", "expected an absolute path on the controller's host");
  if (auto refused = ask.refuse()) return *std::move(refused);
  if (const Status done = control.ledger.backup(file); !done) return problem(done.error());
  std::error_code unknown;
  Json::Value out(Json::objectValue);
  out["file"] = file.string();
  out["bytes"] = Json::UInt64(std::filesystem::file_size(file, unknown));
  return ok(out);
}

}  // namespace

void addControllerRoutes(Router& router, const Control& control) {
  router.add(Access::Viewer, "GET", "/v1/controller", [control](const Call&) {
    return control.writer.run([control, epoch = control.fleet.epoch()] { return show(control, epoch); });
  });
  router.add(Access::Admin, "POST", "/v1/backup", [control](const Call& call) {
    return control.reader.run([control, call] { return backUp(control, call); });
  });
}

}  // namespace loam::api
