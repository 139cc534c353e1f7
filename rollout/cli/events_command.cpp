#include <memory>
#include <set>

#include "proxy/base/json.h"
#include "proxy/http/event_parser.h"
#include "rollout/cli/commands.h"
#include "rollout/cli/pause.h"
#include "rollout/cli/text.h"
#include "shadow/graph/json_view.h"

namespace loam::cli {

namespace {

struct Wanted {
  std::string after, kinds, format = "lines";
  bool follow = false;
};

/// "2026-11-23 08:01:02  flag  cart/observe  ada  change.apply: why".
std::string lineOf(const std::string& kind, const Json::Value& event) {
  const auto text = [&event](const char* name) { return printable(event[name].asString()); };
  if (kind == "proxy") {
    const std::string at = timeText(graph::rfc3339(event["last_contact"].asInt64() / 1000));
    return at + "  proxy  " + text("proxy") + "  " + text("what") +
           (event["reason"].isString() ? ": " + text("reason") : std::string());
  }
  const Json::Value& act = event["act"];
  const std::string reason = printable(act["reason"].asString());
  return timeText(graph::rfc3339(event["at"].asInt64() / 1000)) + "  " + text("kind") + "  " + text("key") + "  " +
         printable(act["who"].asString()) + "  " + printable(act["verb"].asString()) +
         (reason.empty() ? std::string() : ": " + reason);
}

void print(const Session& session, const Wanted& wanted, const http::EventParser::Event& event) {
  const auto data = parseJson(event.data);
  if (!data || !data->isObject()) return;
  session.terminal.out << (wanted.format == "ndjson" ? writeJson(*data) : lineOf(event.kind, *data)) << "\n";
  session.terminal.out.flush();
}

/// For ever: a controller that goes away is asked again, from where it was.
int follow(const Session& session, Wanted wanted) {
  constexpr double kBetween = 2;
  for (;;) {
    std::string target = "/v1/events";
    addParameter(target, "kinds", wanted.kinds);
    addParameter(target, "after", wanted.after);
    http::EventParser parser([&](const http::EventParser::Event& event) {
      if (!event.id.empty()) wanted.after = event.id;
      print(session, wanted, event);
    });
    bool heard = false;
    const auto ended = session.follow({.target = target}, [&](std::string_view piece) {
      heard = true;
      return parser.take(piece) && session.terminal.out.good();
    });
    if (!session.terminal.out.good()) return kOk;  // whoever read it has gone
    const bool again = ended || heard || ended.error().status == kTimeout;
    if (!again) return session.end(ended.error());
    session.terminal.err << "the controller ended the stream; asking again\n";
    if (!pauseFor(kBetween)) return kOk;
  }
}

/// What the audit log has, and no more.
int list(const Session& session, const Wanted& wanted) {
  const std::set<std::string> known = {"flag", "change", "freeze"};
  std::string next;
  for (;;) {
    std::string target = "/v1/audit?most=1000";
    addParameter(target, "since", wanted.after);
    addParameter(target, "after", next);
    const auto page = session.get(target);
    if (!page) return session.end(page.error());
    for (const Json::Value& event : (*page)["events"]) {
      const std::string kind = event["kind"].asString();
      const std::string shown = known.contains(kind) ? kind : "audit";
      const bool wants = ("," + wanted.kinds + ",").find("," + shown + ",") != std::string::npos;
      if (wanted.kinds.empty() || wants) print(session, wanted, {"", shown, writeJson(event)});
    }
    next = (*page)["next"].asString();
    if (next.empty()) return kOk;
  }
}

}  // namespace

void addEventsCommand(CLI::App& app, Session& session) {
  CLI::App& command =
      *app.add_subcommand("events", "What happened, and what happens: flags, changes, freezes, proxies");
  command.footer(
      "Without --follow: what the audit log has. With it: what comes from now on, or from --after on, until Ctrl-C;\n"
      "also what is in no log, as a proxy that fell silent. A break is bridged: nothing of the log is missed.\n\n"
      "Examples:\n  loam events --follow\n  loam events --after 120 --kinds flag,freeze -o ndjson");
  const auto wanted = std::make_shared<Wanted>();
  command.add_flag("--follow", wanted->follow, "go on as it happens");
  command.add_option("--after", wanted->after, "only what is behind this sequence")->option_text("N");
  command.add_option("--kinds", wanted->kinds, "flag,change,freeze,proxy,audit; all by default")->option_text("LIST");
  command.add_option("-o,--output", wanted->format, "lines or ndjson")
      ->option_text("FORM")
      ->check(CLI::IsMember({"lines", "ndjson"}));
  session.addController(command);
  session.runs(command,
               [&session, wanted] { return wanted->follow ? follow(session, *wanted) : list(session, *wanted); });
}

}  // namespace loam::cli
