#include "proxy/guard/guard.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>

#include "proxy/guard/closed_rules.h"
#include "proxy/guard/ruleset.h"
#include "proxy/guard/socket_table.h"
#include "proxy/guard/unix_socket.h"

namespace loam::guard {

namespace {

constexpr long kTickNanoseconds = 250'000'000;
constexpr std::size_t kMostSessions = 64;

Descriptor openTimer() {
  Descriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  const itimerspec every{{0, kTickNanoseconds}, {0, kTickNanoseconds}};
  if (timer) ::timerfd_settime(timer.get(), 0, &every, nullptr);
  return timer;
}

}  // namespace

Guard::Guard(Capture capture, ClosedFile closed, const Clock& clock, Log& log)
    : log_(log), control_(std::move(capture), std::move(closed), clock, log), footprint_(Footprint{}) {}

Guard::~Guard() {
  if (listener_) ::unlink(socketPath_.c_str());
}

Result<std::unique_ptr<Guard>> Guard::open(const std::string& socketPath, std::uint32_t group,
                                           const Footprint& footprint, ClosedFile closed, const Clock& clock,
                                           Log& log) {
  LOAM_TRY(check(footprint));
  auto claim = unix_socket::claim("loam-guard");
  if (!claim) return fail(claim.error());
  auto nft = Nft::open();
  if (!nft) return fail(nft.error());
  std::unique_ptr<Guard> guard(new Guard(Capture(std::move(*nft), footprint), std::move(closed), clock, log));
  guard->footprint_ = footprint;
  guard->claim_ = std::move(*claim);
  guard->timer_ = openTimer();
  if (!guard->timer_) return fail(systemError(errno, "making a timer"));
  auto dns = DnsLog::open(footprint.dnsGroup);
  if (dns) {
    guard->dns_ = std::move(*dns);
  } else {
    log.warn("guard", "no DNS answers", {{"error", dns.error().describe()}});
  }
  guard->socketPath_ = socketPath;
  auto listener = unix_socket::listen(socketPath, group);
  if (!listener) return fail(listener.error());
  guard->listener_ = std::move(*listener);
  return guard;
}

Status Guard::run(int stop) {
  while (signals_ == 0 || control_.applied()) {
    std::vector<pollfd> polled{{stop, POLLIN, 0},
                               {control_.proxyProcess(), POLLIN, 0},
                               {timer_.get(), POLLIN, 0},
                               {listener_.get(), static_cast<short>(sessions_.size() < kMostSessions ? POLLIN : 0), 0},
                               {facts_.descriptor(), POLLIN, 0},
                               {dns_ ? dns_->descriptor() : -1, POLLIN, 0}};
    const std::size_t fixed = polled.size();
    std::vector<int> ids;
    for (const auto& [id, session] : sessions_) {
      polled.push_back({session.socket.get(), static_cast<short>(POLLIN | (session.out.empty() ? 0 : POLLOUT)), 0});
      ids.push_back(id);
    }
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return fail(systemError(errno, "poll"));
    if (polled[1].revents != 0) control_.proxyDied();
    if (polled[0].revents != 0) signalled(stop);
    if (polled[2].revents != 0) {
      std::uint64_t expirations = 0;
      (void)!::read(timer_.get(), &expirations, sizeof expirations);
      control_.tick();
    }
    if (polled[4].revents != 0) answerFacts();
    if (polled[5].revents != 0) dns_->receive();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (polled[fixed + i].revents != 0) serve(ids[i], polled[fixed + i].revents);
    }
    if (polled[3].revents != 0) accept();
    answerDeparted();
  }
  return {};
}

void Guard::signalled(int stop) {
  signalfd_siginfo signal{};
  if (::read(stop, &signal, sizeof signal) != sizeof signal) return;
  ++signals_;
  const auto removal = control_.leave(signals_ > 1);
  if (!removal) return log_.error("guard", "capture cannot be removed", {{"error", removal.error().describe()}});
  if (removal->removed) return;
  log_.info("guard", "capture revoked; relayed connections end before it is removed, a second signal cuts them",
            {{"connections", std::to_string(removal->relayed)}});
}

void Guard::accept() {
  Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) return;
  const auto who = unix_socket::peer(socket.get());
  if (!who) return;
  if (who->uid != 0 && who->uid != ::geteuid() && who->uid != footprint_.proxyUser)
    return turnAway(socket.get(), who->uid);
  Session& session = sessions_[nextSession_++];
  session.socket = std::move(socket);
  session.pid = static_cast<std::uint32_t>(who->pid);
  session.uid = who->uid;
}

void Guard::turnAway(int socket, std::uint32_t uid) {
  const Error denied{ErrorCode::Denied,
                     "loam-guard serves root and the proxy's user only, not uid " + std::to_string(uid)};
  (void)unix_socket::send(socket, protocol::answer(denied).front());
  // What lies unread at the close would turn the answer into a reset.
  ::shutdown(socket, SHUT_RD);
  std::vector<Descriptor> unwanted;
  while (unix_socket::receive(socket, unwanted)) unwanted.clear();
}

void Guard::serve(int id, short events) {
  Session& session = sessions_.at(id);
  if (events & POLLOUT) flush(session);
  if (events & (POLLIN | POLLHUP | POLLERR)) {
    std::vector<Descriptor> descriptors;
    const auto packet = unix_socket::receive(session.socket.get(), descriptors);
    if (packet && session.out.empty()) {
      handle(id, session, *packet, std::move(descriptors));
    } else if (packet || packet.error().code != ErrorCode::Timeout) {
      session.closing = true;  // gone, or talking on before it has read its answer
    }
  }
  if (session.closing) end(id);
}

void Guard::end(int id) {
  sessions_.erase(id);
  control_.sessionEnded(id);
}

void Guard::reply(Session& session, const std::vector<std::string>& packets, bool listeners) {
  for (const std::string& packet : packets) session.out.push_back({packet, listeners && session.out.empty()});
  flush(session);
}

void Guard::flush(Session& session) {
  while (!session.out.empty()) {
    std::vector<int> descriptors;
    if (session.out.front().listeners) {
      descriptors = control_.outboundListeners();
      for (const int listener : control_.inboundListeners()) descriptors.push_back(listener);
    }
    const Status sent = unix_socket::send(session.socket.get(), session.out.front().bytes, descriptors);
    if (!sent && sent.error().code == ErrorCode::Timeout) return;
    if (!sent) {
      session.closing = true;
      session.out.clear();
      return;
    }
    session.out.pop_front();
  }
}

void Guard::handle(int id, Session& session, const std::string& packet, std::vector<Descriptor> descriptors) {
  const auto request = protocol::decodeRequest(packet);
  if (!request) {
    reply(session, protocol::answer(request.error()));
    session.closing = true;
    return;
  }
  if (std::holds_alternative<protocol::Facts>(*request)) return facts_.request(id);
  if (const auto* asked = std::get_if<protocol::Release>(&*request)) return control_.release(id, asked->handOver);
  const auto body = carryOut(id, session, *request, descriptors);
  if (!body) return reply(session, protocol::answer(body.error()));
  reply(session, protocol::answer(*body), std::holds_alternative<protocol::Attach>(*request));
}

Result<std::string> Guard::carryOut(int id, Session& session, const protocol::Request& request,
                                    std::vector<Descriptor>& descriptors) {
  const auto done = [](const Status& status) -> Result<std::string> {
    if (!status) return fail(status.error());
    return std::string();
  };
  const auto encoded = [](const auto& value) -> Result<std::string> {
    if (!value) return fail(value.error());
    return protocol::encode(*value);
  };
  if (const auto* asked = std::get_if<protocol::Attach>(&request)) return attach(id, session, *asked, descriptors);
  if (std::holds_alternative<protocol::Engage>(request)) return done(control_.engage(id));
  if (std::holds_alternative<protocol::Show>(request)) return encoded(control_.view());
  if (const auto* asked = std::get_if<protocol::Bypass>(&request))
    return done(control_.bypass(asked->destination, asked->seconds));
  if (const auto* asked = std::get_if<protocol::KeepClosed>(&request)) return keepClosed(id, session, *asked);
  if (session.uid != 0 && session.uid != ::geteuid()) {
    return fail(ErrorCode::Denied, "only root may change what is captured");
  }
  if (const auto* asked = std::get_if<protocol::Apply>(&request)) return apply(session, *asked);
  return encoded(control_.remove(std::get<protocol::Remove>(request).now));
}

Result<std::string> Guard::attach(int id, const Session& session, const protocol::Attach& request,
                                  std::vector<Descriptor>& descriptors) {
  if (request.workers == 0 || request.workers > protocol::kMostWorkers || descriptors.size() != 1) {
    return fail(ErrorCode::InvalidArgument,
                "attaching needs 1 to " + std::to_string(protocol::kMostWorkers) + " workers and one heartbeat page");
  }
  auto proxy = AttachedProxy::open(id, session.pid, request.workers, std::move(descriptors.front()));
  if (!proxy) return fail(proxy.error());
  const auto terms = control_.attach(std::move(*proxy), session.uid);
  if (!terms) return fail(terms.error());
  return protocol::encode(protocol::Attached{static_cast<std::uint16_t>(control_.outboundListeners().size()),
                                             static_cast<std::uint16_t>(control_.inboundListeners().size()), *terms});
}

Result<std::string> Guard::keepClosed(int id, Session& session, const protocol::KeepClosed& request) {
  std::vector<ClosedWay> ways = std::exchange(session.toClose, {});
  ways.insert(ways.end(), request.ways.begin(), request.ways.end());
  LOAM_TRY(check(ways));
  if (request.more) {
    session.toClose = std::move(ways);
    return protocol::encodeHolds(false);
  }
  const auto holds = control_.keepClosed(id, std::move(ways));
  if (!holds) return fail(holds.error());
  return protocol::encodeHolds(*holds);
}

Result<std::string> Guard::apply(const Session& session, const protocol::Apply& request) {
  LOAM_TRY(check(request.settings));
  const auto listening = socket_table::listeningPorts();
  if (!listening) return fail(listening.error());
  if (!request.dryRun) {
    LOAM_TRY(control_.apply(request.settings));
    log_.info("guard", "capture settings came from a client", {{"pid", std::to_string(session.pid)}});
  }
  const auto closed = control_.closed();
  return ruleset::apply(request.settings, footprint_, *listening) +
         (closed.empty() ? "" : ruleset::close(closed, footprint_));
}

void Guard::answerDeparted() {
  for (const auto& [id, departure] : control_.takeDeparted()) {
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) reply(found->second, protocol::answer(protocol::encode(departure)));
  }
}

void Guard::answerFacts() {
  for (auto& [id, sockets] : facts_.take()) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) continue;
    if (!sockets) {
      reply(found->second, protocol::answer(sockets.error()));
      continue;
    }
    const HostFacts facts{std::move(*sockets), dns_ ? dns_->take() : std::vector<DnsFact>()};
    reply(found->second, protocol::answer(protocol::encode(facts)));
  }
}

}  // namespace loam::guard
