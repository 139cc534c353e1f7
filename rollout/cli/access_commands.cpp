#include <memory>
#include <vector>

#include "rollout/cli/commands.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

struct Wanted {
  std::string name, role, user, expires, reason, ticket;
  std::vector<std::string> services, features;
  bool disable = false;
  bool enable = false;
};

std::string nameOf(const Json::Value& one) { return one["name"].asString(); }
std::string idOf(const Json::Value& one) { return one["id"].asString(); }

Json::Value bodyOf(const Wanted& wanted) {
  Json::Value body(Json::objectValue);
  if (!wanted.reason.empty()) body["reason"] = wanted.reason;
  if (!wanted.ticket.empty()) body["ticket"] = wanted.ticket;
  return body;
}

int listUsers(const Session& session) {
  const auto answer = session.get("/v1/users");
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "users", nameOf)) return kOk;
  Table table({{.title = "NAME", .flexible = true}, {.title = "ROLE"}, {.title = "STATE"}});
  for (const Json::Value& user : (*answer)["users"]) {
    table.add({user["name"].asString(), user["role"].asString(), user["disabled"].asBool() ? "disabled" : "active"});
  }
  if (table.rows() == 0) session.terminal.err << "there are no users\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

int addUser(const Session& session, const Wanted& wanted) {
  Json::Value body = bodyOf(wanted);
  body["name"] = wanted.name;
  body["role"] = wanted.role;
  const auto added = session.change("POST", "/v1/users", body);
  if (!added) return session.end(added.error());
  session.terminal.err << wanted.name << " is " << wanted.role << "; a token proves who it is: loam token create TOKEN "
                       << "--user " << wanted.name << " --role " << wanted.role << "\n";
  return kOk;
}

int setUser(const Session& session, const Wanted& wanted) {
  Json::Value body = bodyOf(wanted);
  if (!wanted.role.empty()) body["role"] = wanted.role;
  if (wanted.disable || wanted.enable) body["disabled"] = wanted.disable;
  if (wanted.role.empty() && !wanted.disable && !wanted.enable) {
    return session.end({kUsage, "say what to set: --role, --disable or --enable", {}});
  }
  const auto set = session.change("PATCH", "/v1/users/" + http::percentEncode(wanted.name), body);
  if (!set) return session.end(set.error());
  session.terminal.err << printable(nameOf(*set)) << " is " << printable((*set)["role"].asString())
                       << ((*set)["disabled"].asBool() ? ", disabled" : "") << "\n";
  return kOk;
}

int removeAt(const Session& session, const std::string& target, const Wanted& wanted) {
  const auto done = session.change("DELETE", target + http::percentEncode(wanted.name), bodyOf(wanted));
  return done ? static_cast<int>(kOk) : session.end(done.error());
}

std::string scopeText(const Json::Value& scope) {
  const auto joined = [&](const char* list) {
    std::string text;
    for (const Json::Value& one : scope[list]) text.append(text.empty() ? "" : ",").append(one.asString());
    return text;
  };
  const std::string services = joined("services");
  const std::string features = joined("features");
  if (services.empty() && features.empty()) return "all";
  return (services.empty() ? "*" : services) + "/" + (features.empty() ? "*" : features);
}

int listTokens(const Session& session) {
  const auto answer = session.get("/v1/tokens");
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "tokens", idOf)) return kOk;
  Table table({{.title = "ID"},
               {.title = "NAME", .flexible = true},
               {.title = "USER"},
               {.title = "ROLE"},
               {.title = "CHANGES", .flexible = true},
               {.title = "EXPIRES"},
               {.title = "LAST USED"}});
  for (const Json::Value& token : (*answer)["tokens"]) {
    const std::string used = token["last_used"].asString();
    table.add({token["id"].asString(), token["name"].asString(), token["user"].asString(), token["role"].asString(),
               scopeText(token["scope"]), token["expired"].asBool() ? "expired" : timeText(token["expires"].asString()),
               used.empty() ? "never" : used});
  }
  if (table.rows() == 0) session.terminal.err << "there are no tokens\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

int createToken(const Session& session, const Wanted& wanted) {
  Json::Value body = bodyOf(wanted);
  body["name"] = wanted.name;
  body["role"] = wanted.role;
  if (!wanted.user.empty()) body["user"] = wanted.user;
  if (!wanted.expires.empty()) body["expires"] = wanted.expires;
  for (const std::string& service : wanted.services) body["services"].append(service);
  for (const std::string& feature : wanted.features) body["features"].append(feature);
  const auto made = session.change("POST", "/v1/tokens", body);
  if (!made) return session.end(made.error());
  session.terminal.out << (*made)["secret"].asString() << "\n";
  session.terminal.err << "token " << printable(idOf(*made)) << ", " << wanted.role << ", until "
                       << printable((*made)["expires"].asString()) << "; it is not shown again\n";
  return kOk;
}

int whoami(const Session& session) {
  const auto answer = session.get("/v1/whoami");
  if (!answer) return session.end(answer.error());
  const auto who = [](const Json::Value& one) { return one["who"].asString(); };
  if (session.printStructured(*answer, "", who)) return kOk;
  session.terminal.out << printable(who(*answer)) << "  " << printable((*answer)["role"].asString()) << "  by "
                       << printable((*answer)["via"].asString());
  const std::string scope = scopeText((*answer)["scope"]);
  if (scope != "all") session.terminal.out << "  changes " << printable(scope) << " only";
  session.terminal.out << "\n";
  return kOk;
}

void addRole(CLI::App& command, Wanted& wanted, bool required) {
  command.add_option("--role", wanted.role, "viewer, operator or admin")
      ->required(required)
      ->option_text("ROLE")
      ->check(CLI::IsMember({"viewer", "operator", "admin"}));
}

/// Declares a verb that changes something: with its reason and ticket.
CLI::App& addChanging(CLI::App& noun, Session& session, Wanted& wanted, const char* verb, const char* summary) {
  CLI::App& command = *noun.add_subcommand(verb, summary);
  command.add_option("--reason", wanted.reason, "why, for the audit log")->option_text("TEXT");
  command.add_option("--ticket", wanted.ticket, "its number elsewhere")->option_text("TEXT");
  session.addController(command);
  return command;
}

CLI::App& addListing(CLI::App& parent, Session& session, const char* verb, const char* summary) {
  CLI::App& command = *parent.add_subcommand(verb, summary);
  session.addOutput(command);
  session.addController(command);
  return command;
}

void addUserCommands(CLI::App& app, Session& session) {
  CLI::App& user = *app.add_subcommand("user", "People with a role: list, add, set, remove");
  user.require_subcommand(1);
  const auto wanted = std::make_shared<Wanted>();
  session.runs(addListing(user, session, "list", "Everybody with a role"), [&session] { return listUsers(session); });
  CLI::App& adding = addChanging(user, session, *wanted, "add", "Add one; a token then proves who it is");
  adding.add_option("name", wanted->name, "a-z, 0-9, '.', '_', '-'")->required()->option_text("NAME");
  addRole(adding, *wanted, true);
  session.runs(adding, [&session, wanted] { return addUser(session, *wanted); });
  CLI::App& setting =
      addChanging(user, session, *wanted, "set", "Change the role, or disable with all tokens, at once");
  setting.add_option("name", wanted->name, "of the user")->required()->option_text("NAME");
  addRole(setting, *wanted, false);
  auto* const disable = setting.add_flag("--disable", wanted->disable, "no token of this user is worth anything");
  setting.add_flag("--enable", wanted->enable, "take that back")->excludes(disable);
  session.runs(setting, [&session, wanted] { return setUser(session, *wanted); });
  CLI::App& removing = addChanging(user, session, *wanted, "remove", "Remove, with all tokens");
  removing.add_option("name", wanted->name, "of the user")->required()->option_text("NAME");
  session.runs(removing, [&session, wanted] { return removeAt(session, "/v1/users/", *wanted); });
}

void addTokenCommands(CLI::App& app, Session& session) {
  CLI::App& token = *app.add_subcommand("token", "What proves who asks: list, create, revoke");
  token.require_subcommand(1);
  token.footer(
      "loam takes its own token from the file that LOAM_TOKEN_FILE names, from LOAM_TOKEN, or from\n"
      "~/.config/loam/token; without one it goes by the controller's Unix socket.");
  const auto wanted = std::make_shared<Wanted>();
  session.runs(addListing(token, session, "list", "All of them, without their secrets"),
               [&session] { return listTokens(session); });
  CLI::App& creating = addChanging(token, session, *wanted, "create", "Make one; stdout gets its secret, this once");
  creating.footer(
      "Examples:\n  loam token create laptop --user ada --role admin > ~/.config/loam/token\n"
      "  loam token create ci-cart --role operator --service cart --feature timeouts --expires +30d");
  creating.add_option("name", wanted->name, "what it is for; of a program: who did it")
      ->required()
      ->option_text("NAME");
  addRole(creating, *wanted, true);
  creating.add_option("--user", wanted->user, "whose it is; a program's without")->option_text("NAME");
  creating.add_option("--service", wanted->services, "may change only this service; again for more")
      ->option_text("NAME");
  creating.add_option("--feature", wanted->features, "may change only this feature; again for more")
      ->option_text("NAME");
  creating.add_option("--expires", wanted->expires, "+30d, 2027-01-01T00:00:00Z, never (+90d)")->option_text("TIME");
  session.runs(creating, [&session, wanted] { return createToken(session, *wanted); });
  CLI::App& revoking = addChanging(token, session, *wanted, "revoke", "From now on it is worth nothing");
  revoking.add_option("id", wanted->name, "of the token")->required()->option_text("ID");
  session.runs(revoking, [&session, wanted] { return removeAt(session, "/v1/tokens/", *wanted); });
}

}  // namespace

void addAccessCommands(CLI::App& app, Session& session) {
  addUserCommands(app, session);
  addTokenCommands(app, session);
  CLI::App& who = addListing(app, session, "whoami", "Whom the controller takes you for, and what you may do");
  session.runs(who, [&session] { return whoami(session); });
}

}  // namespace loam::cli
