#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace loam::observe {

/// How many routes and trie nodes all edges of a process may hold together.
struct RouteBudget {
  std::size_t routes = 40'000;
  std::size_t nodes = 60'000;
};

/// The routes of one edge, learned from the paths that pass: values become placeholders by their shape ("/users/42" ->
/// "/users/{id}"), and a position that shows more than kMostNames different names without settling becomes "{value}"
/// from then on, but for the names that carry traffic of their own. What was counted before stays under its old route.
/// The same sequence of paths gives the same routes. Bounded: kMostRoutes live routes, then "other". Observer thread.
class RouteTemplates {
 public:
  static constexpr std::uint16_t kOther = 0;  ///< index of the route "other"
  static constexpr std::size_t kMostRoutes = 100;
  static constexpr std::size_t kMostNames = 20;
  static constexpr std::size_t kMostSettledNames = 50;
  static constexpr std::size_t kMostSegments = 12;
  static constexpr std::size_t kMostNodes = 1000;

  explicit RouteTemplates(RouteBudget& budget);
  ~RouteTemplates();
  RouteTemplates(const RouteTemplates&) = delete;
  RouteTemplates& operator=(const RouteTemplates&) = delete;

  /// Index of the route of "METHOD path"; a query is cut off.
  std::uint16_t resolve(std::string_view text);
  /// Index of a route that is taken as it is: a gRPC method.
  std::uint16_t literal(std::string_view name) { return indexOf(std::string(name)); }
  /// Counts one exchange of a route: what a busy name is known by.
  void hit(std::uint16_t route) { ++routes_[route].hits; }

  const std::string& name(std::uint16_t route) const { return routes_[route].name; }
  /// Grows whenever an earlier answer of resolve() no longer holds.
  std::uint32_t version() const { return version_; }
  /// Nothing is counted under a retired route any more: its index may be used again.
  void recycle();

 private:
  struct Node;
  struct Route {
    std::string name;
    std::uint64_t hits = 0;
    bool retired = false;
  };

  std::string templateOf(std::string_view path, Node*& leaf);
  Node* descend(Node& node, std::string_view segment, std::string& out);
  void limit(Node& node);
  std::uint64_t hitsBelow(const Node& node) const;
  void retireBelow(Node& node);
  std::uint16_t indexOf(std::string name);

  RouteBudget& budget_;
  std::unique_ptr<Node> root_;
  std::vector<Route> routes_;
  std::vector<std::uint16_t> free_;
  std::vector<std::uint16_t> retired_;
  std::size_t nodes_ = 0;
  std::uint32_t version_ = 0;
};

}  // namespace loam::observe
