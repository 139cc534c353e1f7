#pragma once

#include <unistd.h>

#include <map>
#include <set>
#include <string>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/http/message.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/task.h"
#include "rollout/access/access_store.h"
#include "rollout/access/wrong_tokens.h"
#include "rollout/api/caller.h"

namespace loam::api {

/// What processes on the Unix socket may do, by what the kernel says of them.
struct LocalRoles {
  uid_t own = ::geteuid();                ///< this program's: admins, as root is
  std::map<gid_t, Access> groups{};       ///< roles of others; the highest counts
  std::set<gid_t> proxies{};              ///< whose processes may be a proxy
  std::map<uid_t, std::string> logins{};  ///< how the audit log calls them; others are "uid:1000"
};

/// Finds out who asks: by a token wherever one is shown, else by a certificate, by the kernel on the Unix socket, and
/// on loopback by nothing as long as there never was an admin's token. The loop's thread; nothing here waits for a
/// disk.
class Callers {
 public:
  /// Of wrong tokens, so many answers wait at one time; the others are 429 at once.
  static constexpr std::size_t kMostWaiting = 32;

  /// All outlive it.
  Callers(io::EventLoop& loop, const access::AccessStore& access, LocalRoles local, const Clock& clock, Log& log)
      : loop_(loop), access_(access), local_(std::move(local)), clock_(clock), log_(log) {}

  /// `onLoopback`: it came by a port that only this host reaches.
  Caller of(const http::Request& request, bool onLoopback);
  /// The answer to one with a wrong token, later each time it comes from the same source.
  io::Task<http::Response> delayed(const http::Request& request, http::Response refusal);

  /// Whether everybody on loopback is an admin.
  bool isLoopbackOpen() const { return !access_.roster()->loopbackNeedsToken; }
  /// Tokens used since the last call, by id.
  std::set<std::string> takeUses() { return std::exchange(uses_, {}); }
  std::uint64_t wrongTokens() const { return wrong_.total(); }

 private:
  Caller byToken(std::string_view presented, const http::Peer& peer);
  Caller byProcess(const http::Peer::Process& process) const;

  io::EventLoop& loop_;
  const access::AccessStore& access_;
  const LocalRoles local_;
  const Clock& clock_;
  Log& log_;
  access::WrongTokens wrong_;
  std::size_t waiting_ = 0;
  std::set<std::string> uses_;
};

}  // namespace loam::api
