#include "rollout/cli/commands.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

constexpr auto kRight = Table::Column::Align::Right;
/// A proxy reports every 2 s: longer than this it is missing.
constexpr std::int64_t kSilent = 15;

int list(const Session& session) {
  const auto answer = session.get("/v1/proxies");
  if (!answer) return session.end(answer.error());
  const auto nameOf = [](const Json::Value& proxy) { return proxy["name"].asString(); };
  if (session.printStructured(*answer, "proxies", nameOf)) return kOk;
  Table table({{.title = "NAME", .flexible = true},
               {.title = "ROLE"},
               {.title = "STATE"},
               {.title = "LAST REPORT", .align = kRight},
               {.title = "REPORTS", .align = kRight},
               {.title = "LOST RECORDS", .align = kRight},
               {.title = "LOST REPORTS", .align = kRight},
               {.title = "UNDECODED", .align = kRight}});
  for (const Json::Value& proxy : (*answer)["proxies"]) {
    const std::int64_t silent = proxy["silent_seconds"].asInt64();
    const Json::Value& lost = proxy["lost"];
    table.add({proxy["name"].asString(), proxy["role"].asString(), silent <= kSilent ? "reporting" : "silent",
               lengthText(std::max<std::int64_t>(silent, 0)) + " ago", std::to_string(proxy["reports"].asUInt64()),
               std::to_string(lost["records"].asUInt64()), std::to_string(lost["reports"].asUInt64()),
               std::to_string(lost["decoders"].asUInt64())});
  }
  if (table.rows() == 0) session.terminal.err << "no proxy has reported yet\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

}  // namespace

void addProxyCommands(CLI::App& app, Session& session) {
  CLI::App& proxy = *app.add_subcommand("proxy", "Proxies that report");
  proxy.require_subcommand(1);
  CLI::App& listing = *proxy.add_subcommand("list", "All that ever reported, with what they lost");
  session.addOutput(listing);
  session.addController(listing);
  listing.callback([&session] { session.chosen = [&session] { return list(session); }; });
}

}  // namespace loam::cli
