#include "rollout/flags/flag.h"

#include <limits>

#include "proxy/base/fields.h"
#include "proxy/base/sha256.h"

namespace loam::flags {

namespace {

constexpr std::size_t kMostUnits = 10'000;

Json::Value list(const std::vector<std::string>& texts) {
  Json::Value out(Json::arrayValue);
  for (const std::string& text : texts) out.append(text);
  return out;
}

std::optional<std::int64_t> time(Fields& fields, std::string_view name) {
  return fields.integer(name, 0, std::numeric_limits<std::int64_t>::max());
}

Share share(Fields& fields) { return static_cast<Share>(fields.integer("share", 0, kWhole).value_or(kWhole)); }

Appointment takeAppointment(Fields& fields) {
  Appointment appointment;
  appointment.at = time(fields, "at").value_or(0);
  appointment.stage = fields.text("stage").value_or("");
  appointment.share = share(fields);
  appointment.by = fields.text("by").value_or("");
  appointment.reason = fields.text("reason").value_or("");
  return appointment;
}

Json::Value toJson(const Appointment& appointment) {
  Json::Value out(Json::objectValue);
  out["at"] = Json::Int64(appointment.at);
  out["stage"] = appointment.stage;
  out["share"] = appointment.share;
  out["by"] = appointment.by;
  out["reason"] = appointment.reason;
  return out;
}

}  // namespace

std::string saltOf(const Cell& cell) {
  constexpr std::size_t kLength = 16;
  return sha256Hex(cell.key()).substr(0, kLength);
}

Json::Value toJson(const Flag& flag) {
  Json::Value out(Json::objectValue);
  out["stage"] = flag.stage;
  out["share"] = flag.share;
  out["include"] = list(flag.include);
  out["exclude"] = list(flag.exclude);
  out["settings"] = flag.settings;
  out["salt"] = flag.salt;
  out["hash"] = std::string(kHashAlgorithm);
  if (flag.expires) out["expires"] = Json::Int64(*flag.expires);
  if (flag.scheduled) out["scheduled"] = toJson(*flag.scheduled);
  if (flag.killed) out["killed"] = true;
  out["by"] = flag.by;
  out["reason"] = flag.reason;
  out["at"] = Json::Int64(flag.at);
  return out;
}

Result<Flag> fromDocument(const audit::Document& document) {
  const std::size_t slash = document.key.rfind('/');
  if (slash == std::string::npos) return fail(ErrorCode::InvalidArgument, document.key + " names no flag");
  std::vector<FieldProblem> problems;
  Fields fields(document.body, "", problems,
                {"stage", "share", "include", "exclude", "settings", "salt", "hash", "expires", "scheduled", "killed",
                 "by", "reason", "at"});
  Flag flag;
  flag.cell = {document.key.substr(0, slash), document.key.substr(slash + 1)};
  fields.require("stage");
  flag.stage = fields.text("stage").value_or("off");
  flag.share = share(fields);
  flag.include = fields.texts("include", kMostUnits);
  flag.exclude = fields.texts("exclude", kMostUnits);
  flag.settings = fields.value("settings");
  flag.salt = fields.text("salt").value_or("");
  (void)fields.oneOf("hash", {kHashAlgorithm});
  flag.expires = time(fields, "expires");
  if (auto scheduled = fields.object("scheduled", {"at", "stage", "share", "by", "reason"})) {
    flag.scheduled = takeAppointment(*scheduled);
  }
  flag.killed = fields.boolean("killed").value_or(false);
  flag.by = fields.text("by").value_or("");
  flag.reason = fields.text("reason", 4096).value_or("");
  flag.at = time(fields, "at").value_or(0);
  flag.revision = document.revision;
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, "flag " + document.key + ": " + text(problems));
  return flag;
}

}  // namespace loam::flags
