#include "rollout/api/graph_routes.h"

#include "proxy/base/nearest.h"
#include "rollout/api/problem.h"
#include "rollout/api/query_reader.h"
#include "rollout/api/services_view.h"
#include "shadow/graph/exports.h"
#include "shadow/graph/json_view.h"

namespace loam::api {

namespace {

using http::Response;

/// What the handlers share, copied into the work that runs elsewhere.
struct Record {
  const record::Recorder& recorder;
  const flags::FlagStore& flags;
  const Clock& clock;

  std::int64_t now() const { return unixSeconds(clock.wall()); }
};

/// A focus that is no node gets the names that may have been meant.
Response unknownNode(const Record& record, record::GraphQuery query, const std::string& wanted, const Error& error) {
  query.filter = {};
  std::vector<std::string> names;
  if (const auto whole = record.recorder.graph(query)) {
    for (const graph::Node& node : whole->nodes) names.push_back(node.name);
  }
  return problem(error, nearest(wanted, names));
}

using Show = Response (*)(const Record&, const Call&, const graph::Graph&);

Response answerGraph(const Record& record, const Call& call, const std::vector<std::string_view>& more, Show show) {
  const QueryReader reader(call.request, record.now());
  std::vector<std::string_view> known = {"from", "to", "focus", "depth", "collapse", "protocol", "min_rate", "routes"};
  known.insert(known.end(), more.begin(), more.end());
  if (const Status status = reader.expectOnly(known); !status) return problem(status.error());
  const auto query = reader.graph();
  if (!query) return problem(query.error());
  auto graph = record.recorder.graph(*query);
  if (graph) {
    graph->header.sampled = sampledOf(*record.flags.desired());
    return show(record, call, *graph);
  }
  if (graph.error().code != ErrorCode::NotFound) return problem(graph.error());
  return unknownNode(record, *query, query->filter.focus, graph.error());
}

Response showGraph(const Record&, const Call&, const graph::Graph& graph) { return ok(graph::toJson(graph)); }

Response showEdges(const Record&, const Call&, const graph::Graph& graph) {
  Json::Value value = graph::toJson(graph);
  value.removeMember("nodes");
  return ok(value);
}

Response showServices(const Record&, const Call&, const graph::Graph& graph) { return ok(servicesJson(graph)); }

Response showExport(const Record&, const Call& call, const graph::Graph& graph) {
  const std::string format = call.request.query("format");
  const auto form = graph::findExport(format.empty() ? "json" : format);
  if (!form) return problem(form.error());
  return {.contentType = std::string((*form)->contentType), .body = (*form)->write(graph)};
}

Response answerService(const Record& record, const Call& call, const std::string& name) {
  const QueryReader reader(call.request, record.now());
  if (const Status status = reader.expectOnly({"from", "to"}); !status) return problem(status.error());
  const auto query = reader.graph();
  if (!query) return problem(query.error());
  const auto graph = record.recorder.graph(*query);
  if (!graph) return problem(graph.error());
  if (const auto service = serviceJson(*graph, name)) return ok(*service);
  return unknownNode(record, *query, name,
                     {ErrorCode::NotFound, "no service is called \"" + name + "\" in this window"});
}

Response answerDiff(const Record& record, const Call& call) {
  const QueryReader reader(call.request, record.now());
  const Status known =
      reader.expectOnly({"from_a", "to_a", "from_b", "to_b", "focus", "depth", "collapse", "protocol"});
  if (!known) return problem(known.error());
  for (const char* key : {"from_a", "to_a", "from_b", "to_b"}) {
    if (call.request.query(key).empty()) return problem(400, "invalid_argument", std::string(key) + ": missing");
  }
  const auto before = reader.window("from_a", "to_a");
  if (!before) return problem(before.error());
  const auto after = reader.window("from_b", "to_b");
  if (!after) return problem(after.error());
  const auto query = reader.graph();
  if (!query) return problem(query.error());
  const auto diff = record.recorder.diff(*query, *before, *after);
  if (!diff) return problem(diff.error());
  return ok(graph::toJson(*diff));
}

Response answerProxies(const Record& record, const Call& call) {
  const QueryReader reader(call.request, record.now());
  if (const Status status = reader.expectOnly({"from", "to"}); !status) return problem(status.error());
  const auto window = reader.window();
  if (!window) return problem(window.error());
  const auto proxies = record.recorder.proxies(*window);
  if (!proxies) return problem(proxies.error());
  Json::Value value(Json::objectValue);
  value["from"] = graph::rfc3339(window->from);
  value["to"] = graph::rfc3339(window->to);
  value["proxies"] = Json::Value(Json::arrayValue);
  for (const graph::ProxyState& proxy : *proxies) {
    Json::Value one = graph::toJson(proxy);
    one["silent_seconds"] = Json::Int64(record.now() - proxy.lastReport);
    value["proxies"].append(std::move(one));
  }
  return ok(value);
}

}  // namespace

std::vector<graph::Sampled> sampledOf(const flags::Desired& desired) {
  std::vector<graph::Sampled> all;
  for (const auto& [cell, flag] : desired.flags) {
    if (cell.feature != "observe" || flag.stage == "on") continue;
    const double share = flag.isOff() ? 0 : static_cast<double>(flag.share) / flags::kWhole;
    if (share < 1) all.push_back({cell.service, share});
  }
  return all;
}

void addGraphRoutes(Router& router, const record::Recorder& recorder, const flags::FlagStore& flags, Background& reader,
                    const Clock& clock) {
  using Answer = std::function<Response(const Record&, const Call&)>;
  const Record record{recorder, flags, clock};
  const auto get = [&](std::string pattern, Answer answer) {
    router.add(Access::Viewer, "GET", std::move(pattern), [record, &reader, answer](const Call& call) {
      return reader.run([record, call, answer] { return answer(record, call); });
    });
  };
  const auto graph = [&](std::string pattern, std::initializer_list<std::string_view> more, Show show) {
    const std::vector<std::string_view> known(more);
    get(std::move(pattern),
        [known, show](const Record& from, const Call& call) { return answerGraph(from, call, known, show); });
  };
  graph("/v1/graph", {}, showGraph);
  graph("/v1/graph/export", {"format"}, showExport);
  graph("/v1/edges", {}, showEdges);
  graph("/v1/services", {}, showServices);
  get("/v1/graph/diff", [](const Record& from, const Call& call) { return answerDiff(from, call); });
  get("/v1/services/{name}",
      [](const Record& from, const Call& call) { return answerService(from, call, call.names.at("name")); });
  get("/v1/proxies", [](const Record& from, const Call& call) { return answerProxies(from, call); });
}

}  // namespace loam::api
