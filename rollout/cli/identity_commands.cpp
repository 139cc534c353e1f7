#include <memory>

#include "rollout/cli/commands.h"
#include "rollout/cli/identity_view.h"
#include "rollout/cli/pause.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

/// What is typed after `loam identity`.
struct Typed {
  std::string name, serial, life, reason, drop, key, step, expiring;
  bool wait = false;
  std::int64_t timeout = 600;
};

std::string keyOf(const Json::Value& denial) { return denial["key"].asString(); }
std::string idOf(const Json::Value& token) { return token["id"].asString(); }
std::string rotationState(const Json::Value& identity) { return identity["rotation"]["state"].asString(); }

int show(const Session& session) {
  const auto answer = session.get("/v1/identity");
  if (!answer) return session.end(answer.error());
  if (!session.printStructured(*answer, "", rotationState)) printIdentity(session, *answer);
  return kOk;
}

/// Everything that ends, or what ends soon; 5 when something does.
int list(const Session& session, const Typed& typed) {
  const double within = typed.expiring.empty() ? -1 : lengthSeconds(typed.expiring);
  if (!typed.expiring.empty() && within < 0) return session.end({kUsage, "--expiring: expected a length like 48h", {}});
  const auto identity = session.get("/v1/identity");
  if (!identity) return session.end(identity.error());
  const auto issued = session.get("/v1/identity/certificates");
  if (!issued) return session.end(issued.error());
  const Json::Value all = certificatesOf(*identity, *issued, within);
  const int status = within >= 0 && !all["certificates"].empty() ? kNotReady : kOk;
  if (session.printStructured(all, "certificates", [](const Json::Value& one) { return one["serial"].asString(); })) {
    return status;
  }
  printCertificates(session, all);
  return status;
}

int mint(const Session& session, const Typed& typed) {
  Json::Value body(Json::objectValue);
  body["name"] = typed.name;
  if (!typed.life.empty()) body["life"] = typed.life;
  if (!typed.reason.empty()) body["reason"] = typed.reason;
  const auto token = session.change("POST", "/v1/identity/tokens", body);
  if (!token) return session.end(token.error());
  if (session.printStructured(*token, "", idOf)) return kOk;
  session.terminal.out << (*token)["secret"].asString() << "\n";
  session.terminal.err << "lets " << printable(typed.name) << " join once, until "
                       << timeText((*token)["expires"].asString()) << "Z; by file or stdin, never as an argument\n"
                       << "the root to pin: " << (*token)["root"].asString() << "\n";
  return kOk;
}

int listTokens(const Session& session, const Typed& typed) {
  if (!typed.drop.empty()) {
    const Json::Value nothing(Json::objectValue);
    const auto done = session.change("DELETE", "/v1/identity/tokens/" + http::percentEncode(typed.drop), nothing);
    return done ? int{kOk} : session.end(done.error());
  }
  const auto answer = session.get("/v1/identity/tokens");
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "tokens", idOf)) return kOk;
  Table table({{.title = "ID"},
               {.title = "NAME", .flexible = true},
               {.title = "STATE"},
               {.title = "EXPIRES"},
               {.title = "REFUSED", .align = Table::Column::Align::Right}});
  for (const Json::Value& token : (*answer)["tokens"]) {
    table.add({idOf(token), token["name"].asString(), token["state"].asString(), timeText(token["expires"].asString()),
               std::to_string(token["refused"].asInt64())});
  }
  if (table.rows() == 0) session.terminal.err << "no token is open, and none was used of late\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

int revoke(const Session& session, const Typed& typed) {
  if (typed.name.empty() == typed.serial.empty()) return session.end({kUsage, "either a name or --serial", {}});
  Json::Value body(Json::objectValue);
  body[typed.name.empty() ? "serial" : "name"] = typed.name.empty() ? typed.serial : typed.name;
  body["reason"] = typed.reason;
  const auto denial = session.change("POST", "/v1/identity/denials", body);
  if (!denial) return session.end(denial.error());
  if (session.printStructured(*denial, "", keyOf)) return kOk;
  const std::uint64_t known = (*denial)["certificates"].asUInt64();
  session.terminal.out << keyOf(*denial) << "\n";
  session.terminal.err << "denied until " << timeText((*denial)["until"].asString()) << "Z, "
                       << (known == 0 ? std::string("although no such certificate is known: check the name")
                                      : std::to_string(known) + (known == 1 ? " certificate" : " certificates"))
                       << "\n";
  return kOk;
}

/// Takes a denial back, or shows those that there are.
int allow(const Session& session, const Typed& typed) {
  if (!typed.key.empty()) {
    Json::Value body(Json::objectValue);
    if (!typed.reason.empty()) body["reason"] = typed.reason;
    const auto done = session.change("DELETE", "/v1/identity/denials/" + http::percentEncode(typed.key), body);
    return done ? int{kOk} : session.end(done.error());
  }
  const auto answer = session.get("/v1/identity/denials");
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "denials", keyOf)) return kOk;
  Table table({{.title = "KEY", .flexible = true}, {.title = "UNTIL"}, {.title = "REASON", .flexible = true}});
  for (const Json::Value& denial : (*answer)["denials"]) {
    table.add({keyOf(denial), timeText(denial["until"].asString()), denial["reason"].asString()});
  }
  if (table.rows() == 0) session.terminal.err << "nobody is denied\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

/// Until all live agents have done what the present step asks of them; they are named as they change.
int waitForAgents(const Session& session, const Typed& typed) {
  std::string said;
  for (double waited = 0;; waited += 1) {
    const auto identity = session.get("/v1/identity");
    if (!identity) return session.end(identity.error());
    const std::string waiting = waitedFor((*identity)["rotation"]);
    if (waiting.empty()) return kOk;
    if (waiting != said) session.terminal.err << "waits for " << waiting << "\n";
    said = waiting;
    if (waited >= static_cast<double>(typed.timeout)) {
      return session.end({kTimeout, "not all agents have followed", {}});
    }
    if (!pauseFor(1)) return kTimeout;
  }
}

int rotate(const Session& session, const Typed& typed) {
  // What goes on waits for the step before; what turns around waits for nobody.
  if (typed.wait && typed.step != "abort") {
    if (const int status = waitForAgents(session, typed); status != kOk) return status;
  }
  Json::Value body(Json::objectValue);
  body["step"] = typed.step;
  if (!typed.reason.empty()) body["reason"] = typed.reason;
  const auto answer = session.change("POST", "/v1/identity/rotation", body);
  if (!answer) return session.end(answer.error());
  if (typed.wait) {
    if (const int status = waitForAgents(session, typed); status != kOk) return status;
  }
  return show(session);
}

void addRotation(CLI::App& identity, Session& session, const std::shared_ptr<Typed>& typed) {
  CLI::App& rotating = *identity.add_subcommand("rotate", "Change the root, step by step, without a failed request");
  rotating.add_option("step", typed->step, "begin, advance (three times), or abort")
      ->required()
      ->option_text("STEP")
      ->check(CLI::IsMember({"begin", "advance", "abort"}));
  rotating.add_flag("--wait", typed->wait, "until all live agents have followed");
  rotating.add_option("--timeout", typed->timeout, "seconds to wait")->option_text("N")->check(CLI::Range(1, 86'400));
  rotating.add_option("--reason", typed->reason, "why, for the audit log")->option_text("TEXT");
  session.addOutput(rotating);
  session.addController(rotating);
  session.runs(rotating, [&session, typed] { return rotate(session, *typed); });
}

void addRevocation(CLI::App& identity, Session& session, const std::shared_ptr<Typed>& typed) {
  CLI::App& revoking = *identity.add_subcommand("revoke", "Believe a proxy, or one certificate, no more");
  revoking.add_option("name", typed->name, "of the proxy, or a SPIFFE id")->option_text("NAME");
  revoking.add_option("--serial", typed->serial, "of one certificate")->option_text("HEX");
  revoking.add_option("--reason", typed->reason, "why, for the audit log")->required()->option_text("TEXT");
  session.addOutput(revoking);
  session.addController(revoking);
  session.runs(revoking, [&session, typed] { return revoke(session, *typed); });
  CLI::App& allowing = *identity.add_subcommand("allow", "Take a denial back; without a key: those that there are");
  allowing.add_option("key", typed->key, "name/SPIFFE-ID or serial/HEX")->option_text("KEY");
  allowing.add_option("--reason", typed->reason, "why, for the audit log")->option_text("TEXT");
  session.addOutput(allowing);
  session.addController(allowing);
  session.runs(allowing, [&session, typed] { return allow(session, *typed); });
}

void addTokens(CLI::App& identity, Session& session, const std::shared_ptr<Typed>& typed) {
  CLI::App& minting = *identity.add_subcommand("token", "Let one host join, once; prints the secret alone");
  minting.add_option("name", typed->name, "that the proxy will have")->required()->option_text("NAME");
  minting.add_option("--life", typed->life, "how long it is worth something (10m)")->option_text("LENGTH");
  minting.add_option("--reason", typed->reason, "why, for the audit log")->option_text("TEXT");
  minting.footer("Examples:\n  loam identity token node-a | ssh node-a 'umask 077; cat > /etc/loam/join-token'");
  session.addOutput(minting);
  session.addController(minting);
  session.runs(minting, [&session, typed] { return mint(session, *typed); });
  CLI::App& tokens = *identity.add_subcommand("tokens", "Tokens that are open or were used of late");
  tokens.add_option("--drop", typed->drop, "make this one worth nothing")->option_text("ID");
  session.addOutput(tokens);
  session.addController(tokens);
  session.runs(tokens, [&session, typed] { return listTokens(session, *typed); });
}

}  // namespace

void addIdentityCommands(CLI::App& app, Session& session) {
  CLI::App& identity = *app.add_subcommand("identity", "Who may be part of the mesh, and until when");
  identity.require_subcommand(1);
  const auto typed = std::make_shared<Typed>();
  CLI::App& showing = *identity.add_subcommand("show", "Roots, the controller's certificate, and a change of roots");
  session.addOutput(showing);
  session.addController(showing);
  session.runs(showing, [&session] { return show(session); });
  CLI::App& listing = *identity.add_subcommand("list", "Certificates, with the authority's own");
  listing.add_option("--expiring", typed->expiring, "only what ends within 48h, 7d, ...; status 5 when something does")
      ->option_text("LENGTH");
  session.addOutput(listing);
  session.addController(listing);
  session.runs(listing, [&session, typed] { return list(session, *typed); });
  addTokens(identity, session, typed);
  addRevocation(identity, session, typed);
  addRotation(identity, session, typed);
}

}  // namespace loam::cli
