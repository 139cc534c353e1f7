#include <memory>

#include "rollout/cli/commands.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

std::string nameOf(const Json::Value& hook) { return hook["name"].asString(); }

std::string orNever(const Json::Value& time) { return time.isString() ? timeText(time.asString()) : "never"; }

std::string eventsText(const Json::Value& events) {
  std::string text;
  for (const Json::Value& event : events) text.append(text.empty() ? "" : ",").append(event.asString());
  return text;
}

int list(const Session& session) {
  const auto answer = session.get("/v1/webhooks");
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "webhooks", nameOf)) return kOk;
  std::vector<Table::Column> columns = {{.title = "NAME"}, {.title = "URL", .flexible = true}};
  constexpr auto kRight = Table::Column::Align::Right;
  for (const char* title : {"DELIVERED", "FAILED", "GIVEN UP", "WAITING"}) {
    columns.push_back({.title = title, .align = kRight});
  }
  columns.push_back({.title = "LAST SUCCESS"});
  columns.push_back({.title = "LAST ERROR", .flexible = true});
  if (session.isWide()) columns.push_back({.title = "EVENTS", .flexible = true});
  Table table(std::move(columns));
  for (const Json::Value& hook : (*answer)["webhooks"]) {
    const std::uint64_t givenUp = hook["refused"].asUInt64() + hook["expired"].asUInt64() + hook["dropped"].asUInt64();
    table.add({nameOf(hook), hook["url"].asString(), std::to_string(hook["delivered"].asUInt64()),
               std::to_string(hook["failed"].asUInt64()), std::to_string(givenUp),
               std::to_string(hook["waiting"].asUInt64()), orNever(hook["last_success"]), hook["last_error"].asString(),
               eventsText(hook["events"])});
  }
  if (table.rows() == 0) session.terminal.err << "no webhook is configured: webhooks in controller.yaml\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

int test(const Session& session, const std::string& name) {
  const Json::Value nothing(Json::objectValue);
  const auto answer = session.change("POST", "/v1/webhooks/" + http::percentEncode(name) + "/test", nothing);
  if (!answer) return session.end(answer.error());
  const bool taken = (*answer)["taken"].asBool();
  const auto idOf = [](const Json::Value& attempt) { return attempt["id"].asString(); };
  if (session.printStructured(*answer, "", idOf)) return taken ? kOk : kError;
  if (!taken)
    return session.end({kError, printable(name) + " did not take it: " + printable((*answer)["error"].asString()), {}});
  session.terminal.out << printable(name) << " took it: " << (*answer)["status"].asInt() << " after "
                       << (*answer)["milliseconds"].asInt64() << " ms, as " << printable(idOf(*answer)) << "\n";
  return kOk;
}

}  // namespace

void addWebhookCommands(CLI::App& app, Session& session) {
  CLI::App& webhook = *app.add_subcommand("webhook", "Who is told of what needs a person: list, test");
  webhook.require_subcommand(1);
  webhook.footer("They stand in the controller's file: webhooks, see docs/config.md.");
  CLI::App& listing = *webhook.add_subcommand("list", "All of them, and how it is with each; -o wide: which events");
  session.addOutput(listing);
  session.addController(listing);
  session.runs(listing, [&session] { return list(session); });
  CLI::App& testing =
      *webhook.add_subcommand("test", "Send a test now, and say what came back; status 1 when it was not taken");
  const auto name = std::make_shared<std::string>();
  testing.add_option("name", *name, "of the webhook")->required()->option_text("WEBHOOK");
  session.addOutput(testing);
  session.addController(testing);
  session.runs(testing, [&session, name] { return test(session, *name); });
}

}  // namespace loam::cli
