#include <map>
#include <memory>

#include "rollout/cli/commands.h"
#include "rollout/cli/table.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

constexpr auto kRight = Table::Column::Align::Right;
/// A proxy reports every 2 s: longer than this it is missing.
constexpr std::int64_t kSilent = 15;

std::string nameOf(const Json::Value& proxy) { return proxy["name"].asString(); }

/// "in effect", "behind", "refuses", "never asked": how a proxy stands to what it is to run.
std::string standing(const Json::Value& steered) {
  if (steered.isNull()) return "never asked";
  if (steered["silent"].asBool()) return "silent";
  if (!steered["drift"].asBool()) return "in effect";
  const bool refuses = steered["refused"]["generation"].asUInt64() >= steered["desired"].asUInt64();
  return refuses ? "refuses" : "behind";
}

/// Those that report and those that ask for snapshots are the same proxies but for a while after a start.
Outcome<Json::Value> gather(const Session& session) {
  auto reporting = session.get("/v1/proxies");
  if (!reporting) return reporting;
  const auto fleet = session.getAll("/v1/fleet", "proxies");
  if (!fleet) return fleet;
  std::map<std::string, Json::Value> all;
  for (const Json::Value& one : (*reporting)["proxies"]) all[nameOf(one)] = one;
  for (const Json::Value& one : (*fleet)["proxies"]) {
    all[nameOf(one)]["name"] = one["name"];
    all[nameOf(one)]["fleet"] = one;
  }
  Json::Value out = *std::move(reporting);
  out["proxies"] = Json::Value(Json::arrayValue);
  for (auto& [name, one] : all) out["proxies"].append(std::move(one));
  return out;
}

int list(const Session& session) {
  const auto answer = gather(session);
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "proxies", nameOf)) return kOk;
  Table table({{.title = "NAME", .flexible = true},
               {.title = "ROLE"},
               {.title = "STATE"},
               {.title = "SNAPSHOT"},
               {.title = "LAST REPORT", .align = kRight},
               {.title = "REPORTS", .align = kRight},
               {.title = "LOST RECORDS", .align = kRight},
               {.title = "LOST REPORTS", .align = kRight},
               {.title = "UNDECODED", .align = kRight}});
  for (const Json::Value& proxy : (*answer)["proxies"]) {
    const bool reports = proxy.isMember("reports");
    const std::int64_t silent = proxy["silent_seconds"].asInt64();
    const Json::Value& lost = proxy["lost"];
    const auto count = [&](const Json::Value& value) { return reports ? std::to_string(value.asUInt64()) : "-"; };
    table.add({nameOf(proxy), proxy["role"].asString(),
               !reports            ? "-"
               : silent <= kSilent ? "reporting"
                                   : "silent",
               standing(proxy["fleet"]), reports ? lengthText(std::max<std::int64_t>(silent, 0)) + " ago" : "-",
               count(proxy["reports"]), count(lost["records"]), count(lost["reports"]), count(lost["decoders"])});
  }
  if (table.rows() == 0) session.terminal.err << "no proxy has reported yet\n";
  if (table.rows() != 0) table.print(session.terminal);
  return kOk;
}

int describe(const Session& session, const std::string& name) {
  const auto answer = session.get("/v1/fleet/" + http::percentEncode(name));
  if (!answer) return session.end(answer.error());
  if (session.printStructured(*answer, "", nameOf)) return kOk;
  const Json::Value& proxy = *answer;
  std::ostream& out = session.terminal.out;
  out << printable(name) << "  version " << printable(proxy["version"].asString()) << ", heard of "
      << lengthText(proxy["contact_seconds_ago"].asInt64()) << " ago, " << standing(proxy) << "\n";
  out << "  generation     desired " << proxy["desired"].asUInt64() << ", acknowledged "
      << proxy["acknowledged"].asUInt64() << ", in effect " << proxy["in_effect"].asUInt64() << "\n";
  out << "  snapshot       " << bytesText(proxy["snapshot_bytes"].asUInt64()) << "\n";
  out << "  connections    " << proxy["old_connections"].asUInt64() << " live ones began under an earlier generation\n";
  for (const Json::Value& reason : proxy["refused"]["reasons"]) {
    out << "  refuses        generation " << proxy["refused"]["generation"].asUInt64() << ": "
        << printable(reason.asString()) << "\n";
  }
  for (const Json::Value& one : proxy["withheld"]) {
    out << "  cannot         " << printable(one["capability"].asString()) << " for "
        << printable(one["service"].asString()) << ": it is off there\n";
  }
  return kOk;
}

}  // namespace

void addProxyCommands(CLI::App& app, Session& session) {
  CLI::App& proxy = *app.add_subcommand("proxy", "Proxies: what they report, and what they run");
  proxy.require_subcommand(1);
  CLI::App& listing = *proxy.add_subcommand(
      "list", "All that ever reported, with what they lost and whether they run what they are to");
  session.addOutput(listing);
  session.addController(listing);
  session.runs(listing, [&session] { return list(session); });
  CLI::App& describing =
      *proxy.add_subcommand("describe", "One: desired, acknowledged and in effect, and what stands against it");
  const auto name = std::make_shared<std::string>();
  describing.add_option("name", *name, "of the proxy")->required()->option_text("PROXY");
  session.addOutput(describing);
  session.addController(describing);
  session.runs(describing, [&session, name] { return describe(session, *name); });
}

}  // namespace loam::cli
