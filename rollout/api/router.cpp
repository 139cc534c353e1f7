#include "rollout/api/router.h"

#include <algorithm>
#include <optional>
#include <set>

#include "rollout/api/problem.h"

namespace loam::api {

namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = std::min(path.find('/'), path.size());
    out.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return out;
}

bool isParameter(std::string_view segment) { return segment.starts_with('{'); }

bool match(const std::vector<std::string>& pattern, const std::vector<std::string>& path, Parameters& parameters) {
  if (pattern.size() != path.size()) return false;
  parameters.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (isParameter(pattern[i])) {
      if (path[i].empty()) return false;
      parameters[pattern[i].substr(1, pattern[i].size() - 2)] = http::percentDecode(path[i]);
    } else if (pattern[i] != path[i]) {
      return false;
    }
  }
  return true;
}

/// Nothing when a browser could not have been talked into sending it.
std::optional<http::Response> refuseForeign(const http::Request& request) {
  if (request.method == "GET" || request.method == "HEAD") return std::nullopt;
  if (!request.header("origin").empty()) {
    return problem(403, "foreign_origin", "requests from a web page are not taken here");
  }
  const std::string_view type = request.header("content-type");
  const std::string_view plain = type.substr(0, type.find(';'));
  if (request.method == "DELETE" || plain == "application/json") return std::nullopt;
  if (request.method == "PATCH" && plain == "application/merge-patch+json") return std::nullopt;
  return problem(415, "unsupported_media_type", "Content-Type has to be application/json");
}

std::optional<http::Response> refuseStranger(const Caller& caller, Access access) {
  if (mayUse(caller, access)) return std::nullopt;
  if (caller.who.empty()) return problem(401, "unauthenticated", "nobody knows who you are: a token is needed here");
  return problem(403, "forbidden", "this needs the role " + std::string(name(access)));
}

}  // namespace

void Router::add(Access access, std::string method, std::string pattern, RouteHandler handler) {
  Route route{access, std::move(method), pattern, split(pattern), std::move(handler)};
  // Patterns with fewer parameters are asked first.
  const auto parameters = [](const Route& r) {
    return std::count_if(r.segments.begin(), r.segments.end(), isParameter);
  };
  const auto place = std::find_if(routes_.begin(), routes_.end(),
                                  [&](const Route& other) { return parameters(other) > parameters(route); });
  routes_.insert(place, std::move(route));
}

io::Task<http::Response> Router::answer(const http::Request& request, Caller caller) const {
  const std::vector<std::string> path = split(request.path());
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    Parameters parameters;
    if (!match(route.segments, path, parameters)) continue;
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
    if (route.method != method) continue;
    if (auto refused = refuseStranger(caller, route.access)) co_return *std::move(refused);
    if (auto refused = refuseForeign(request)) co_return *std::move(refused);
    const Call call{request, std::move(parameters), std::move(caller)};
    http::Response response = co_await route.handler(call);
    response.headers.emplace_back("Cache-Control", "no-store");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    co_return response;
  }
  if (allowed.empty()) co_return problem(404, "not_found", "no such path");
  http::Response response = problem(405, "method_not_allowed", "");
  std::string allow;
  for (const std::string& name : allowed) allow.append(allow.empty() ? "" : ", ").append(name);
  response.headers.emplace_back("Allow", allow);
  co_return response;
}

std::vector<Router::Declared> Router::routes() const {
  std::vector<Declared> out;
  for (const Route& route : routes_) out.push_back({route.method, route.pattern, route.access});
  return out;
}

}  // namespace loam::api
