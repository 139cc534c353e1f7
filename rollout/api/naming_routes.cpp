#include "rollout/api/naming_routes.h"

#include "rollout/api/control.h"
#include "rollout/api/problem.h"

namespace loam::api {

namespace {

using http::Response;
using record::Naming;

audit::Edit editOf(const Naming::Place& place, const std::string& before, const std::string& name,
                   const std::string& who) {
  Json::Value body(Json::objectValue);
  body["name"] = name;
  body["before"] = before;
  body["by"] = who;
  return {std::string(kNodeNameKind), place.key, std::nullopt, std::move(body)};
}

/// Says in the audit log of each that what it said last was not done.
void takeBack(audit::Ledger& ledger, std::span<const Naming::Place> places, const std::string& name, audit::Act act,
              const Error& why) {
  std::vector<audit::Edit> edits;
  for (const Naming::Place& place : places) edits.push_back(editOf(place, name, place.before, act.who));
  act.verb = "node.name.failed";
  act.reason = "the record does not take it: " + why.context;
  (void)ledger.commit(edits, act);  // the caller hears of the failure in either case
}

/// The two files share no transaction. The event comes first: whenever the program ends, no name is without the event
/// that says whose it is; an event without its name is possible, and is mended by naming again.
Response nameNode(record::Recorder& recorder, audit::Ledger& ledger, const Call& call) {
  constexpr std::size_t kMostName = 1024;  // before it is brought into its normal form
  Ask ask(call, "node.name", {"name"});
  ask.fields().require("name");
  const std::string wanted = ask.fields().text("name", kMostName).value_or("");
  if (auto refused = ask.refuse()) return *std::move(refused);
  const std::string& node = call.names.at("node");
  const auto naming = recorder.planNaming(node, wanted);
  if (!naming) return problem(naming.error());
  std::vector<audit::Edit> edits;
  for (const Naming::Place& place : naming->places)
    edits.push_back(editOf(place, place.before, naming->name, ask.act().who));
  if (const auto noted = ledger.commit(edits, ask.act()); !noted) return problem(noted.error());
  const std::span<const Naming::Place> places(naming->places);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Status named = recorder.name(places[i], naming->name);
    if (named) continue;
    takeBack(ledger, places.subspan(i), naming->name, ask.act(), named.error());
    return problem(named.error());
  }
  Json::Value value(Json::objectValue);
  value["node"] = node;
  value["name"] = wanted;
  return ok(value);
}

}  // namespace

void addNamingRoutes(Router& router, record::Recorder& recorder, audit::Ledger& ledger, Background& writer) {
  router.add(Access::Operator, "PUT", "/v1/nodes/{node}/name", [&recorder, &ledger, &writer](const Call& call) {
    return writer.run([&recorder, &ledger, call] { return nameNode(recorder, ledger, call); });
  });
}

}  // namespace loam::api
