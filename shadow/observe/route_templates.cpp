#include "shadow/observe/route_templates.h"

#include <algorithm>

#include "proxy/base/stable_hash.h"
#include "shadow/observe/segments.h"

namespace loam::observe {

namespace {
constexpr std::uint64_t kBusyHits = 16;  // a name with so many exchanges keeps a route of its own
constexpr std::uint64_t kSettledRatio =
    8;  // exchanges a name, over a position, that make its names look like resources
}  // namespace

/// One position of paths with a common beginning. Names are held by hash: the text is always at hand when one is looked
/// for.
struct RouteTemplates::Node {
  std::vector<std::pair<std::uint64_t, std::unique_ptr<Node>>> names;
  std::vector<std::pair<std::string_view, std::unique_ptr<Node>>> placeholders;  // views of literals in segments.cpp
  std::vector<std::uint16_t> routes;                                             // of paths that end here, one a method
  bool open = false;                                                             // more names than can be resources
};

RouteTemplates::RouteTemplates(RouteBudget& budget) : budget_(budget), root_(std::make_unique<Node>()) {
  routes_.push_back({"other", 0, false});
}

RouteTemplates::~RouteTemplates() {
  budget_.nodes += nodes_;
  budget_.routes += routes_.size() - 1 - free_.size();
}

std::uint16_t RouteTemplates::resolve(std::string_view text) {
  const auto space = text.find(' ');
  const std::string_view method = space == std::string_view::npos ? std::string_view() : text.substr(0, space);
  std::string_view path = space == std::string_view::npos ? text : text.substr(space + 1);
  path = path.substr(0, path.find_first_of("?#"));
  if (const auto scheme = path.find("://"); scheme != std::string_view::npos && path.front() != '/') {
    const auto slash = path.find('/', scheme + 3);
    path = slash == std::string_view::npos ? "/" : path.substr(slash);
  }
  std::string name;
  if (!method.empty())
    name.append(placeholderOf(method) == "{value}" ? "{method}" : method.substr(0, 16)).push_back(' ');
  if (path.empty() || path.front() != '/') return indexOf(name + (path == "*" ? "*" : "{authority}"));
  Node* leaf = nullptr;
  name += templateOf(path, leaf);
  const std::uint16_t route = indexOf(std::move(name));
  if (leaf != nullptr && route != kOther &&
      std::find(leaf->routes.begin(), leaf->routes.end(), route) == leaf->routes.end()) {
    leaf->routes.push_back(route);
  }
  return route;
}

std::string RouteTemplates::templateOf(std::string_view path, Node*& leaf) {
  std::string out;
  Node* node = root_.get();
  path.remove_prefix(1);
  for (std::size_t depth = 0;; ++depth) {
    out.push_back('/');
    if (depth == kMostSegments) {
      out += "{rest}";
      return out;
    }
    const auto slash = path.find('/');
    node = descend(*node, path.substr(0, slash), out);
    if (node == nullptr) {  // the trie is full: nothing is learned below
      if (slash != std::string_view::npos) out += "/{rest}";
      return out;
    }
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  leaf = node;
  return out;
}

RouteTemplates::Node* RouteTemplates::descend(Node& node, std::string_view segment, std::string& out) {
  const std::uint64_t hash = fnv1a(segment);
  std::string_view placeholder = placeholderOf(segment);
  if (placeholder.empty()) {
    for (const auto& [known, child] : node.names) {
      if (known == hash) {
        out += segment;
        return child.get();
      }
    }
    if (node.open) placeholder = "{value}";
  } else {
    for (const auto& [known, child] : node.placeholders) {
      if (known == placeholder) {
        out += placeholder;
        return child.get();
      }
    }
  }
  if (placeholder == "{value}") {
    for (const auto& [known, child] : node.placeholders) {
      if (known != placeholder) continue;
      out += placeholder;
      return child.get();
    }
  }
  if (nodes_ >= kMostNodes || budget_.nodes == 0) {
    out += placeholder.empty() ? "{value}" : placeholder;
    return nullptr;
  }
  ++nodes_;
  --budget_.nodes;
  if (!placeholder.empty()) {
    out += placeholder;
    return node.placeholders.emplace_back(placeholder, std::make_unique<Node>()).second.get();
  }
  node.names.emplace_back(hash, std::make_unique<Node>());
  limit(node);
  if (node.open) return descend(node, segment, out);
  out += segment;
  return node.names.back().second.get();
}

void RouteTemplates::limit(Node& node) {
  if (node.names.size() <= kMostNames) return;
  std::uint64_t total = 0;
  for (const auto& [hash, child] : node.names) total += hitsBelow(*child);
  if (node.names.size() <= kMostSettledNames && total >= kSettledRatio * node.names.size()) return;
  node.open = true;
  ++version_;
  std::erase_if(node.names, [&](auto& entry) {
    if (hitsBelow(*entry.second) >= kBusyHits) return false;
    retireBelow(*entry.second);
    return true;
  });
}

std::uint64_t RouteTemplates::hitsBelow(const Node& node) const {
  std::uint64_t hits = 0;
  for (const std::uint16_t route : node.routes) hits += routes_[route].hits;
  for (const auto& [hash, child] : node.names) hits += hitsBelow(*child);
  for (const auto& [text, child] : node.placeholders) hits += hitsBelow(*child);
  return hits;
}

void RouteTemplates::retireBelow(Node& node) {
  for (const std::uint16_t route : node.routes) {
    if (routes_[route].retired) continue;
    routes_[route].retired = true;
    retired_.push_back(route);
  }
  for (const auto& [hash, child] : node.names) retireBelow(*child);
  for (const auto& [text, child] : node.placeholders) retireBelow(*child);
  --nodes_;
  ++budget_.nodes;
}

std::uint16_t RouteTemplates::indexOf(std::string name) {
  for (std::size_t i = 1; i < routes_.size(); ++i) {
    if (!routes_[i].retired && routes_[i].name == name) return static_cast<std::uint16_t>(i);
  }
  if (routes_.size() - 1 - free_.size() - retired_.size() >= kMostRoutes || budget_.routes == 0) return kOther;
  --budget_.routes;
  if (!free_.empty()) {
    const std::uint16_t route = free_.back();
    free_.pop_back();
    routes_[route] = {std::move(name), 0, false};
    return route;
  }
  routes_.push_back({std::move(name), 0, false});
  return static_cast<std::uint16_t>(routes_.size() - 1);
}

void RouteTemplates::recycle() {
  for (const std::uint16_t route : retired_) {
    routes_[route] = {std::string(), 0, true};
    free_.push_back(route);
    ++budget_.routes;
  }
  if (!retired_.empty()) ++version_;
  retired_.clear();
}

}  // namespace loam::observe
