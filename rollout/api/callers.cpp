#include "rollout/api/callers.h"

#include <algorithm>
#include <utility>

#include "proxy/http/http1_head.h"
#include "rollout/api/problem.h"

namespace loam::api {

namespace {

/// What an Authorization header shows; "" for what is no token, which is worth as little as a wrong one.
std::string_view tokenIn(std::string_view value) {
  constexpr std::string_view kScheme = "bearer ";
  constexpr std::size_t kMost = 256;
  if (value.size() > kMost || !http::equalsFolded(value.substr(0, kScheme.size()), kScheme)) return {};
  value.remove_prefix(kScheme.size());
  return value.substr(std::min(value.find_first_not_of(' '), value.size()));
}

/// The one that is shown; nothing where none is. Two are as good as a wrong one.
std::optional<std::string_view> shownToken(const http::Request& request) {
  std::optional<std::string_view> shown;
  for (const auto& [name, value] : request.headers) {
    if (http::equalsFolded(name, "authorization")) shown = shown ? std::string_view() : tokenIn(value);
  }
  return shown;
}

/// Whom wrong tokens are counted for. An IPv6 host has a whole /64 to come from.
std::string sourceOf(const http::Peer& peer) {
  if (peer.process) return "uid:" + std::to_string(peer.process->user);
  if (peer.address.ip.isV4()) return peer.address.ip.text();
  auto network = peer.address.ip.bytes();
  std::fill(network.begin() + 8, network.end(), std::uint8_t{0});
  return IpAddress::v6(network).text();
}

}  // namespace

Caller Callers::of(const http::Request& request, bool onLoopback) {
  const http::Peer& peer = request.peer;
  if (const auto shown = shownToken(request)) return byToken(*shown, peer);
  if (!peer.id.empty()) return {peer.id, "certificate", Access::Proxy, false};
  if (peer.process) return byProcess(*peer.process);
  if (onLoopback && peer.address.ip.isLoopback() && isLoopbackOpen()) return {"local", "loopback", Access::Admin, true};
  return {};
}

Caller Callers::byToken(std::string_view presented, const http::Peer& peer) {
  const auto bearer = access_.roster()->bearer(presented, unixSeconds(clock_.wall()));
  Caller caller;
  if (!bearer) {
    caller.hasWrongToken = true;
    return caller;
  }
  uses_.insert(bearer->tokenId);
  if (wrong_.sources() != 0) wrong_.forgive(sourceOf(peer));
  caller.who = bearer->who;
  caller.via = "token:" + bearer->tokenId;
  caller.role = accessOf(bearer->role);
  if (!bearer->scope.isWhole()) caller.scope = bearer->scope;
  return caller;
}

Caller Callers::byProcess(const http::Peer::Process& process) const {
  const auto login = local_.logins.find(process.user);
  Caller caller;
  caller.who = login == local_.logins.end() ? "uid:" + std::to_string(process.user) : login->second;
  caller.via = "socket";
  if (process.user == 0 || process.user == local_.own) {
    caller.role = Access::Admin;
    caller.isOwnHost = true;
    return caller;
  }
  const auto look = [&](gid_t group) {
    const auto found = local_.groups.find(group);
    if (found != local_.groups.end()) caller.role = std::max(caller.role, found->second);
    caller.isOwnHost = caller.isOwnHost || local_.proxies.contains(group);
  };
  look(process.group);
  for (const gid_t group : process.groups) look(group);
  if (caller.role == Access::Anyone) caller.hint = "name one of its groups in socket_roles, or use a token";
  return caller;
}

io::Task<http::Response> Callers::delayed(const http::Request& request, http::Response refusal) {
  const std::string source = sourceOf(request.peer);
  const milliseconds delay = wrong_.note(source, loop_.now());
  const unsigned wrong = wrong_.inARow(source);
  if ((wrong & (wrong - 1)) == 0) {  // the 1st, 2nd, 4th, 8th, ...
    log_.warn("api", "a token that is worth nothing", {{"from", source}, {"in_a_row", std::to_string(wrong)}});
  }
  if (delay.count() == 0) co_return refusal;
  if (waiting_ >= kMostWaiting) {
    refusal = problem(429, "too_many_attempts", "too many wrong tokens");
    const auto whole = std::chrono::ceil<seconds>(delay).count();
    refusal.headers.emplace_back("Retry-After", std::to_string(whole));
    co_return refusal;
  }
  struct Place {
    explicit Place(std::size_t& of) : count(of) { ++count; }
    ~Place() { --count; }
    std::size_t& count;
  };
  const Place place(waiting_);
  co_await loop_.sleepFor(delay);
  co_return refusal;
}

}  // namespace loam::api
