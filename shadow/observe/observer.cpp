#include "shadow/observe/observer.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace loam::observe {

namespace {

std::int64_t unixMilliseconds(Wall time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

std::size_t jsonSize(const wire::Counts& counts) { return 240 + counts.latency.filled().size() * 16; }

/// About how many bytes an edge takes in a report, on the high side.
std::size_t jsonSize(const wire::EdgeReport& edge) {
  std::size_t size = 440 + edge.security.size() + edge.identity.size();
  if (edge.owner) size += 100 + 2 * (edge.owner->unit.size() + edge.owner->exe.size());
  for (const wire::Bucket& bucket : edge.buckets) {
    size += 50 + jsonSize(bucket.counts);
    for (const wire::RouteCounts& route : bucket.routes) size += 2 * route.route.size() + jsonSize(route.counts);
  }
  return size;
}

std::size_t jsonSize(const wire::Verdict& verdict) { return 250 + 2 * (verdict.identity.size() + verdict.rule.size()); }

std::size_t jsonSize(const wire::NameEvidence& name) { return 120 + name.name.size(); }

}  // namespace

Observer::Observer(ObserverSettings settings, const Clock& clock, FactSource* facts, ReverseDns* reverseDns, Sink sink,
                   std::function<std::uint64_t()> reportsDropped)
    : settings_(std::move(settings)),
      clock_(clock),
      facts_(facts),
      reverseDns_(reverseDns),
      sink_(std::move(sink)),
      reportsDropped_(std::move(reportsDropped)),
      owners_(settings_.own),
      aggregator_(clock, settings_.seed, owners_, pins_, names_, settings_.limits),
      inventory_(owners_),
      processesSince_(clock.now()),
      sealed_(clock.now()),
      from_(unixMilliseconds(clock.wall())) {}

void Observer::tick() {
  aggregator_.drain();
  takeFacts();
  if (clock_.now() - sealed_ >= settings_.sealEvery) seal();
}

void Observer::finish() {
  aggregator_.drainRest();
  takeFacts();
  seal();
}

void Observer::takeFacts() {
  if (facts_ == nullptr) return;
  const auto facts = facts_->take();
  if (!facts) return;
  owners_.update(facts->sockets);
  inventory_.update(facts->sockets, aggregator_.captured(),
                    [this](const AddressPair& pair, std::uint32_t owner, bool opened) {
                      aggregator_.countUncaptured(pair, owner, opened);
                    });
  noteProcesses(facts->sockets);
  for (const guard::DnsFact& answer : facts->dns) names_.note(answer.address, 0, "dns", answer.name);
}

void Observer::noteProcesses(const std::vector<guard::SocketFact>& sockets) {
  if (clock_.now() - processesSince_ >= kProcessAgain) {
    processes_.clear();
    processesSince_ = clock_.now();
  }
  std::unordered_map<std::uint16_t, std::uint32_t> anywhere;  // owner of what listens on a port of all addresses
  const auto tell = [&](const SocketAddress& address, std::uint32_t owner) {
    if (owner == 0 || processes_.size() >= Owners::kMostPairs || address.ip.isLoopback()) return;
    if (!processes_.emplace(address, owner).second) return;
    names_.note(address.ip, address.port, "process", ownerName(owners_.owner(owner)));
  };
  for (const guard::SocketFact& socket : sockets) {
    if (!socket.listening || settings_.own.has(socket)) continue;
    const std::uint32_t owner = owners_.intern(socket);
    if (socket.local.ip.isUnspecified()) {
      anywhere[socket.local.port] = owner;
    } else {
      tell(socket.local, owner);
    }
  }
  for (const guard::SocketFact& socket : sockets) {
    if (socket.listening || settings_.own.has(socket)) continue;
    const auto at = anywhere.find(socket.local.port);
    if (at != anywhere.end()) tell(socket.local, at->second);
  }
}

void Observer::noteHosts() {
  const Monotonic now = clock_.now();
  if (hostsRead_ != Monotonic{} && now - hostsRead_ < kHostsEvery) return;
  hostsRead_ = now;
  auto hosts = readHosts(settings_.hostsPath);
  if (hosts == hosts_ && now - hostsTold_ < kHostsAgain) return;
  hosts_ = std::move(hosts);
  hostsTold_ = now;
  for (const HostsEntry& entry : hosts_) names_.note(entry.address, 0, "hosts", entry.name);
}

/// Stretch follows stretch without a seam; but where the wall clock was set meanwhile, this one is as long as it really
/// took, and stands where the clock does now.
void Observer::stamp(wire::Report& report) {
  constexpr std::int64_t kSlewed = 1000;  // what may be NTP's doing, little by little
  const std::int64_t took =
      std::chrono::duration_cast<milliseconds>(clock_.now() - std::exchange(sealed_, clock_.now())).count();
  const std::int64_t to = unixMilliseconds(clock_.wall());
  const bool wasSet = std::abs(to - from_ - took) > kSlewed;
  report.from = wasSet ? std::max<std::int64_t>(to - took, 0) : from_;
  report.to = std::max(to, report.from);
  from_ = report.to;
}

void Observer::seal() {
  noteHosts();
  wire::Report report;
  stamp(report);
  std::size_t size = 0;
  const auto makeRoom = [&](std::size_t more) {
    if (size > 0 && size + more > kReportBytes) {
      send(report);
      size = 0;
    }
    size += more;
  };
  aggregator_.seal([&](wire::EdgeReport edge) {
    if (reverseDns_ != nullptr) {
      reverseDns_->ask(edge.client);
      reverseDns_->ask(edge.destination.ip);
    }
    makeRoom(jsonSize(edge));
    report.edges.push_back(std::move(edge));
  });
  for (wire::Verdict& verdict : aggregator_.takeVerdicts()) {
    makeRoom(jsonSize(verdict));
    report.verdicts.push_back(std::move(verdict));
  }
  if (reverseDns_ != nullptr) {
    for (const ReverseName& found : reverseDns_->take()) names_.note(found.address, 0, "ptr", found.name);
  }
  for (wire::NameEvidence& name : names_.take()) {
    makeRoom(jsonSize(name));
    report.names.push_back(std::move(name));
  }
  send(report);
}

void Observer::send(wire::Report& report) {
  report.proxy = settings_.proxy;
  report.role = settings_.role;
  report.epoch = settings_.epoch;
  report.sequence = ++sequence_;
  report.losses = aggregator_.losses();
  report.losses.reports = reportsDropped_();
  sink_(report);
  // A further report of the same seal covers no time of its own.
  report.edges.clear();
  report.names.clear();
  report.verdicts.clear();
  report.from = report.to;
}

}  // namespace loam::observe
