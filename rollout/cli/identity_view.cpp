#include "rollout/cli/identity_view.h"

#include <algorithm>

#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

std::string leftText(const Json::Value& end) {
  const std::int64_t left = end["seconds_left"].asInt64();
  return left > 0 ? "in " + lengthText(left) : "over";
}

Json::Value entry(const char* kind, std::string name, std::string serial, const Json::Value& end) {
  Json::Value out(Json::objectValue);
  out["kind"] = kind;
  out["name"] = std::move(name);
  out["serial"] = std::move(serial);
  out["not_after"] = end["not_after"];
  out["seconds_left"] = end["seconds_left"];
  out["state"] = "valid";
  return out;
}

}  // namespace

std::string waitedFor(const Json::Value& rotation) {
  std::string text;
  for (const Json::Value& agent : rotation["waiting"]) {
    text.append(text.empty() ? "" : ", ").append(printable(agent.asString()));
  }
  return text;
}

void printIdentity(const Session& session, const Json::Value& identity) {
  std::ostream& out = session.terminal.out;
  out << "trust domain  " << printable(identity["trust_domain"].asString()) << "\n";
  for (const Json::Value& root : identity["roots"]) {
    const Json::Value& below = root["intermediate"];
    out << "root          " << root["sha256"].asString() << "\n              "
        << (root["issuing"].asBool() ? "issues, " : "") << "ends " << leftText(root) << "; its intermediate ends "
        << leftText(below) << (below["renewable"].asBool() ? "" : " (to be renewed by its owner)") << "\n";
  }
  out << "controller    " << printable(identity["controller"]["spiffe"].asString()) << ", ends "
      << leftText(identity["controller"]) << "\n";
  const Json::Value& rotation = identity["rotation"];
  out << "rotation      " << rotation["state"].asString() << ", step " << rotation["step"].asUInt64() << ", since "
      << timeText(rotation["since"].asString()) << "\n";
  const std::string waiting = waitedFor(rotation);
  out << "agents        " << rotation["live"].asUInt64() << " live"
      << (waiting.empty() ? std::string(", all have followed") : "; waits for " + waiting) << "\n";
}

Json::Value certificatesOf(const Json::Value& identity, const Json::Value& issued, double within) {
  Json::Value out(Json::objectValue);
  Json::Value& all = out["certificates"] = Json::Value(Json::arrayValue);
  const auto add = [&](Json::Value one) {
    const bool due = static_cast<double>(one["seconds_left"].asInt64()) <= within && one["state"].asString() == "valid";
    if (within < 0 || due) all.append(std::move(one));
  };
  for (const Json::Value& root : identity["roots"]) {
    const std::string id = root["sha256"].asString().substr(0, 16);
    add(entry("root", id, id, root));
    add(entry("intermediate", id, id, root["intermediate"]));
  }
  const Json::Value& own = identity["controller"];
  add(entry("controller", own["spiffe"].asString(), own["serial"].asString(), own));
  for (const Json::Value& certificate : issued["certificates"]) {
    Json::Value one = entry("proxy", certificate["name"].asString(), certificate["serial"].asString(), certificate);
    one["state"] = certificate["denied"].asBool()       ? "revoked"
                   : certificate["superseded"].asBool() ? "superseded"
                                                        : "valid";
    add(std::move(one));
  }
  return out;
}

void printCertificates(const Session& session, const Json::Value& all) {
  Table table({{.title = "NAME", .flexible = true},
               {.title = "KIND"},
               {.title = "SERIAL", .flexible = true},
               {.title = "ENDS"},
               {.title = "LEFT", .align = Table::Column::Align::Right},
               {.title = "STATE"}});
  for (const Json::Value& one : all["certificates"]) {
    table.add({one["name"].asString(), one["kind"].asString(), one["serial"].asString(),
               timeText(one["not_after"].asString()),
               lengthText(std::max<std::int64_t>(one["seconds_left"].asInt64(), 0)), one["state"].asString()});
  }
  if (table.rows() == 0) session.terminal.err << "nothing ends that soon\n";
  if (table.rows() != 0) table.print(session.terminal);
}

}  // namespace loam::cli
