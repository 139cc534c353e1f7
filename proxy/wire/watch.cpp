#include "proxy/wire/watch.h"

#include <limits>

#include "proxy/base/fields.h"
#include "proxy/base/json.h"

namespace loam::wire {

namespace {

Json::Value list(const std::vector<std::string>& texts) {
  Json::Value out(Json::arrayValue);
  for (const std::string& text : texts) out.append(text);
  return out;
}

std::uint64_t count(Fields& fields, std::string_view name) {
  fields.require(name);
  return static_cast<std::uint64_t>(fields.integer(name, 0, std::numeric_limits<std::int64_t>::max()).value_or(0));
}

std::vector<SocketAddress> addresses(Fields& fields, std::string_view name, std::size_t most) {
  std::vector<SocketAddress> all;
  for (const std::string& text : fields.texts(name, most)) {
    if (auto address = SocketAddress::parse(text)) {
      all.push_back(*address);
    } else {
      fields.problem(name, "expected addresses like 10.0.0.1:80, not \"" + text + "\"");
    }
  }
  return all;
}

Json::Value put(const Drained& drained) {
  Json::Value out(Json::objectValue);
  if (drained.accepting) out["accepting"] = true;
  out["connections"] = Json::UInt64(drained.connections);
  out["explicit_connections"] = Json::UInt64(drained.explicitConnections);
  out["ports"] = Json::Value(Json::arrayValue);
  for (const SocketAddress& port : drained.ports) out["ports"].append(port.text());
  return out;
}

Drained takeDrained(Fields& fields) {
  Drained drained;
  drained.accepting = fields.boolean("accepting").value_or(false);
  drained.connections = count(fields, "connections");
  drained.explicitConnections = count(fields, "explicit_connections");
  drained.ports = addresses(fields, "ports", kMostPorts);
  return drained;
}

}  // namespace

std::string encode(const Watch& watch) {
  Json::Value out(Json::objectValue);
  out["proxy"] = watch.proxy;
  out["version"] = watch.version;
  out["capabilities"] = list(watch.capabilities);
  out["epoch"] = Json::UInt64(watch.epoch);
  out["acknowledged"] = Json::UInt64(watch.acknowledged);
  out["in_effect"] = Json::UInt64(watch.inEffect);
  if (watch.refused) {
    out["refused"]["generation"] = Json::UInt64(watch.refused->generation);
    out["refused"]["reasons"] = list(watch.refused->reasons);
  }
  out["old_connections"] = Json::UInt64(watch.oldConnections);
  if (watch.trust != 0) out["trust"] = Json::UInt64(watch.trust);
  if (watch.killed) out["killed"] = true;
  if (watch.drained) out["drained"] = put(*watch.drained);
  if (!watch.missed.empty()) out["missed"] = Json::Value(Json::arrayValue);
  for (const SocketAddress& address : watch.missed) out["missed"].append(address.text());
  out["wait_ms"] = watch.waitMs;
  return writeJson(out);
}

Result<Watch> decodeWatch(std::string_view json) {
  if (json.size() > kMostWatchBytes) return fail(ErrorCode::InvalidArgument, "a question of more than 256 KiB");
  const auto value = parseJson(json);
  if (!value) return fail(value.error());
  std::vector<FieldProblem> problems;
  Fields fields(*value, "", problems,
                {"proxy", "version", "capabilities", "epoch", "acknowledged", "in_effect", "refused", "old_connections",
                 "trust", "killed", "drained", "missed", "wait_ms"});
  Watch watch;
  fields.require("proxy");
  watch.proxy = fields.text("proxy", 255).value_or("");
  watch.version = fields.text("version", 64).value_or("");
  watch.capabilities = fields.texts("capabilities", 256);
  watch.epoch = count(fields, "epoch");
  watch.acknowledged = count(fields, "acknowledged");
  watch.inEffect = count(fields, "in_effect");
  if (auto refused = fields.object("refused", {"generation", "reasons"})) {
    watch.refused = Refusal{count(*refused, "generation"), refused->texts("reasons", 64)};
  }
  watch.oldConnections = count(fields, "old_connections");
  if (fields.has("trust")) watch.trust = count(fields, "trust");
  watch.killed = fields.boolean("killed").value_or(false);
  if (auto drained = fields.object("drained", {"accepting", "connections", "explicit_connections", "ports"})) {
    watch.drained = takeDrained(*drained);
  }
  watch.missed = addresses(fields, "missed", kMostMissed);
  fields.require("wait_ms");
  watch.waitMs = static_cast<std::uint32_t>(fields.integer("wait_ms", 0, kMostWaitMs).value_or(0));
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, text(problems));
  return watch;
}

}  // namespace loam::wire
