#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/http/message.h"
#include "proxy/io/task.h"
#include "rollout/api/caller.h"

namespace loam::api {

/// Values of a pattern's {names}, percent-decoded.
using Parameters = std::map<std::string, std::string, std::less<>>;

/// One request as its route gets it.
struct Call {
  http::Request request;
  Parameters names;
  Caller caller;
};

/// Who holds what a route changes against the scope of the caller's token.
enum class Scoping : std::uint8_t {
  None,     ///< nobody: a token that may not change everything is turned away, though it may read
  Checked,  ///< the handler, by refuseOutside()
};
using RouteHandler = std::function<io::Task<http::Response>(const Call&)>;

/// Finds the handler of a request by method and path. An unknown path is 404, a known one with another method 405 with
/// Allow; HEAD goes to GET's handler. Methods that change something need a JSON body by its Content-Type and no Origin:
/// a page in a browser cannot send such a request without asking first (E2).
class Router {
 public:
  /// `pattern` like "/v1/services/{name}"; a parameter is one segment. A fixed segment wins over a parameter.
  /// `access`: who may use it; there is no route without.
  void add(Access access, std::string method, std::string pattern, RouteHandler handler,
           Scoping scoping = Scoping::None);

  /// 401 for nobody and for a wrong token, 403 for somebody who may not. `request` outlives the task.
  io::Task<http::Response> answer(const http::Request& request, Caller caller) const;

  struct Declared {
    std::string method;
    std::string pattern;
    Access access;
    Scoping scoping;
  };
  /// All, in the order in which they are asked.
  std::vector<Declared> routes() const;

 private:
  struct Route {
    Access access;
    std::string method;
    std::string pattern;
    std::vector<std::string> segments;
    RouteHandler handler;
    Scoping scoping;
  };

  std::vector<Route> routes_;
};

}  // namespace loam::api
