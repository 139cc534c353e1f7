#include "rollout/fleet/fleet.h"

#include <algorithm>
#include <utility>

#include "proxy/io/signal.h"
#include "rollout/fleet/drain.h"

namespace loam::fleet {

namespace {

std::int64_t unixMilliseconds(Wall time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

Fleet::Fleet(io::EventLoop& loop, std::uint64_t epoch, const Clock& clock, Log& log)
    : loop_(loop), epoch_(epoch), clock_(clock), log_(log), began_(clock.now()) {}

void Fleet::setDesired(std::shared_ptr<const flags::Desired> desired) {
  const bool same = desired->flags == desired_->flags && desired->services == desired_->services &&
                    desired->descents == desired_->descents;
  const bool sameDrains = desired->drains == desired_->drains;
  desired_ = std::move(desired);
  descents_.take(desired_, clock_.now());
  if (!same) return refreshAll();
  for (auto& [name, entry] : entries_) {
    if (!sameDrains) refresh(entry);
    entry.agent.covers = coveredFor(entry);  // as it stands
  }
  wakeSettled();
}

void Fleet::setTopology(std::shared_ptr<const Topology> topology) {
  topology_ = std::move(topology);
  carriers_.reset();
  byAddress_.clear();
  for (const auto& [name, place] : topology_->services) {
    for (const SocketAddress& endpoint : place.endpoints) byAddress_.emplace(endpoint, name);
  }
  refreshAll();
}

void Fleet::setTrust(std::shared_ptr<const std::string> trust) {
  if (trust_ && trust && *trust_ == *trust) return;
  trust_ = std::move(trust);
  for (auto& [name, entry] : entries_) refresh(entry);
  wakeSettled();
}

/// Parts that say what they said before stay the same object, so that comparing snapshots compares pointers.
void Fleet::refreshAll() {
  for (auto& [capabilities, fragments] : fragments_) {
    for (auto fragment = fragments.begin(); fragment != fragments.end();) {
      const auto place = topology_->services.find(fragment->first);
      const bool everywhere = fragment->first == flags::kEveryService;
      if (place == topology_->services.end() && !everywhere) {
        fragment = fragments.erase(fragment);
        continue;
      }
      fragment->second.withheld.clear();
      std::string text = everywhere
                             ? wire::encode(compileDefaults(descents_.told(), capabilities, fragment->second.withheld))
                             : wire::encode(compile(place->first, place->second, descents_.told(), capabilities,
                                                    fragment->second.withheld));
      if (text != *fragment->second.text) fragment->second.text = std::make_shared<const std::string>(std::move(text));
      ++fragment;
    }
  }
  for (auto& [name, entry] : entries_) refresh(entry);
  wakeSettled();
}

const Fleet::Fragment& Fleet::fragment(const Entry& entry, const std::string& service) {
  const std::vector<std::string>& capabilities = entry.agent.capabilities;
  const auto [place, fresh] = fragments_[capabilities].try_emplace(service);
  Fragment& fragment = place->second;
  if (fresh) {
    std::string text = service == flags::kEveryService
                           ? wire::encode(compileDefaults(descents_.told(), capabilities, fragment.withheld))
                           : wire::encode(compile(service, topology_->services.at(service), descents_.told(),
                                                  capabilities, fragment.withheld));
    fragment.text = std::make_shared<const std::string>(std::move(text));
  }
  return fragment;
}

std::set<std::string> Fleet::scopeOf(const Entry& entry) const {
  std::set<std::string> scope;
  const auto add = [&](const std::string& service) {
    if (topology_->services.contains(service)) scope.insert(service);
  };
  const auto carried = topology_->carried.find(entry.agent.name);
  if (carried != topology_->carried.end()) std::for_each(carried->second.begin(), carried->second.end(), add);
  std::for_each(entry.missed.begin(), entry.missed.end(), add);
  std::vector<std::string> routed;  // it has to know where their endpoints are
  for (const std::string& service : scope) {
    for (std::string& to : routedFrom(service, descents_.told())) routed.push_back(std::move(to));
  }
  std::for_each(routed.begin(), routed.end(), add);
  return scope;
}

/// Makes the proxy's snapshot anew; it gets a generation of its own when it says something else than the last.
void Fleet::refresh(Entry& entry) {
  Agent& agent = entry.agent;
  agent.withheld.clear();
  const Fragment& defaults = fragment(entry, std::string(flags::kEveryService));
  agent.withheld = defaults.withheld;
  std::vector<Text> services;
  entry.scope = scopeOf(entry);
  for (const std::string& service : entry.scope) {
    const Fragment& part = fragment(entry, service);
    services.push_back(part.text);
    agent.withheld.insert(agent.withheld.end(), part.withheld.begin(), part.withheld.end());
  }
  agent.covers = coveredFor(entry);
  const Text trust = agent.spiffe.empty() ? nullptr : trust_;
  const auto drain = desired_->drains.find(agent.name);
  agent.drain = drain == desired_->drains.end() ? std::nullopt : std::optional(drain->second);
  const bool drained = agent.drain && canDrain(agent);
  if (agent.generation != 0 && defaults.text == entry.defaults && services == entry.services && trust == entry.trust &&
      drained == entry.drained) {
    return;
  }
  if (drained != entry.drained) agent.drainedSince = generation_ + 1;
  entry.drained = drained;
  entry.trust = trust;
  entry.defaults = defaults.text;
  entry.services = std::move(services);
  agent.generation = ++generation_;
  agent.bytes = textOf(entry).size();
  if (entry.wake) std::exchange(entry.wake, nullptr)();
}

std::string Fleet::textOf(const Entry& entry) const {
  wire::Parts parts{epoch_, entry.agent.generation, entry.agent.name, *entry.defaults, {}};
  for (const Text& service : entry.services) parts.services.push_back(*service);
  if (entry.trust) parts.trust = *entry.trust;
  parts.drained = entry.drained;
  return wire::encode(parts);
}

void Fleet::noteClock(Agent& agent, std::optional<std::int64_t> clock) {
  const bool wasOff = agent.isClockOff();
  agent.clockAhead = clock ? std::optional(*clock - unixSeconds(clock_.wall())) : std::nullopt;
  if (agent.isClockOff() == wasOff) return;
  if (wasOff) return log_.info("fleet", "a proxy's clock is right again", {{"proxy", agent.name}});
  log_.warn("fleet", "a proxy's clock is not the controller's",
            {{"proxy", agent.name}, {"ahead_seconds", std::to_string(*agent.clockAhead)}});
}

void Fleet::take(Entry& entry, const wire::Watch& watch, std::string spiffe, std::optional<std::int64_t> clock) {
  Agent& agent = entry.agent;
  const bool changed = agent.generation == 0 || agent.capabilities != watch.capabilities || agent.spiffe != spiffe;
  agent.spiffe = std::move(spiffe);
  agent.trust = watch.trust;
  agent.version = watch.version;
  agent.capabilities = watch.capabilities;
  std::sort(agent.capabilities.begin(), agent.capabilities.end());
  agent.lastContact = unixMilliseconds(clock_.wall());
  agent.heard = clock_.now();
  noteClock(agent, clock);
  agent.epoch = watch.epoch;
  if (agent.acknowledged != watch.acknowledged) carriers_.reset();  // what may rise depends on it
  agent.acknowledged = watch.acknowledged;
  agent.inEffect = watch.inEffect;
  if (watch.refused && watch.refused != agent.refused) {
    log_.warn("fleet", "a proxy refuses its snapshot",
              {{"proxy", agent.name},
               {"generation", std::to_string(watch.refused->generation)},
               {"why", watch.refused->reasons.empty() ? "" : watch.refused->reasons.front()}});
  }
  agent.refused = watch.refused;
  agent.oldConnections = watch.oldConnections;
  if (watch.killed != agent.killed) {
    log_.warn("fleet",
              watch.killed ? "a proxy was killed on its host" : "a proxy that was killed on its host is restored",
              {{"proxy", agent.name}});
  }
  agent.killed = watch.killed;
  if (watch.drained.has_value() != agent.drained.has_value()) {
    log_.info("fleet", watch.drained ? "a proxy is drained" : "a proxy that was drained captures again",
              {{"proxy", agent.name}});
  }
  agent.drained = watch.drained;
  bool widened = false;
  for (const SocketAddress& address : watch.missed) {
    const auto service = byAddress_.find(address);
    if (service == byAddress_.end() || entry.missed.size() >= kMostMissedServices) continue;
    widened |= entry.missed.insert(service->second).second;
  }
  if (changed || widened) refresh(entry);
  descend();
  wakeSettled();
}

io::Task<Result<std::optional<std::string>>> Fleet::watch(wire::Watch watch, std::string spiffe,
                                                          std::optional<std::int64_t> clock) {
  auto found = entries_.find(watch.proxy);
  if (found == entries_.end()) {
    if (entries_.size() >= kMostAgents) {
      co_return fail(ErrorCode::Exhausted, "there are " + std::to_string(kMostAgents) + " proxies already");
    }
    found = entries_.emplace(watch.proxy, Entry{}).first;
    found->second.agent.name = watch.proxy;
  }
  Entry& entry = found->second;  // entries are never taken out
  const std::uint64_t question = ++entry.question;
  if (entry.wake) std::exchange(entry.wake, nullptr)();  // who asked before on another connection
  take(entry, watch, std::move(spiffe), clock);
  const Monotonic deadline = loop_.clock().now() + milliseconds(watch.waitMs);
  for (;;) {
    const Agent& agent = entry.agent;
    if (entry.question != question || ending_) co_return std::nullopt;
    if (!agent.hasIt(epoch_) && !agent.refusesIt(epoch_)) co_return textOf(entry);
    if (loop_.clock().now() >= deadline) co_return std::nullopt;
    io::Signal changed(loop_);
    entry.wake = changed.raiser();
    co_await changed.until(deadline);
  }
}

void Fleet::letGo() {
  ending_ = true;
  for (auto& [name, entry] : entries_) {
    if (entry.wake) std::exchange(entry.wake, nullptr)();
  }
}

std::vector<Carrier> Fleet::listCarriers() const {
  std::map<std::string, Carrier> all;
  for (const auto& [name, services] : topology_->carried) {
    all[name].services = services;
  }
  for (const auto& [name, entry] : entries_) {
    Carrier& carrier = all[name];
    carrier.asked = true;
    carrier.silent = isSilent(entry.agent);
    carrier.capabilities = entry.agent.capabilities;
    carrier.acknowledged = entry.agent.hasIt(epoch_) ? entry.agent.covers : 0;
    carrier.killed = entry.agent.killed;
    carrier.services.insert(entry.scope.begin(), entry.scope.end());
  }
  std::vector<Carrier> list;
  for (auto& [name, carrier] : all) {
    carrier.name = name;
    list.push_back(std::move(carrier));
  }
  return list;
}

Sight Fleet::sight() {
  const Monotonic now = loop_.clock().now();
  if (!carriers_ || now - carriersAt_ >= seconds(1)) {
    carriers_ = std::make_shared<const std::vector<Carrier>>(listCarriers());
    carriersAt_ = now;
  }
  return {topology_, traffic_, carriers_};
}

std::vector<Agent> Fleet::agents() const {
  std::vector<Agent> all;
  for (const auto& [name, entry] : entries_) all.push_back(entry.agent);
  return all;
}

std::vector<Agent> Fleet::expected() const {
  std::vector<Agent> all = agents();
  for (const auto& [name, drain] : desired_->drains) {
    if (!entries_.contains(name)) all.push_back(*agent(name));
  }
  std::sort(all.begin(), all.end(), [](const Agent& a, const Agent& b) { return a.name < b.name; });
  return all;
}

std::optional<Agent> Fleet::agent(const std::string& name) const {
  if (const auto found = entries_.find(name); found != entries_.end()) return found->second.agent;
  const auto drain = desired_->drains.find(name);
  if (drain == desired_->drains.end()) return std::nullopt;
  Agent agent;
  agent.name = name;
  agent.drain = drain->second;
  return agent;
}

void Fleet::visit(const std::function<void(const Agent&)>& look) const {
  for (const auto& [name, entry] : entries_) look(entry.agent);
}

std::vector<std::string> Fleet::neverAsked() const {
  std::vector<std::string> names;
  if (clock_.now() - began_ <= kSilentAfter) return names;
  for (const auto& [name, services] : topology_->carried) {
    if (!entries_.contains(name)) names.push_back(name);
  }
  return names;
}

std::optional<std::string> Fleet::snapshotOf(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  return textOf(found->second);
}

bool Fleet::isSilent(const Agent& agent) const { return agent.lastContact == 0 || sinceContact(agent) > kSilentAfter; }

milliseconds Fleet::sinceContact(const Agent& agent) const {
  return std::chrono::duration_cast<milliseconds>(clock_.now() - agent.heard);
}

Progress Fleet::progress(const std::string& service, std::uint64_t revision) const {
  Progress progress;
  for (const auto& [name, entry] : entries_) {
    if (service != flags::kEveryService && !entry.scope.contains(service)) continue;
    const Agent& agent = entry.agent;
    if (isSilent(agent)) {
      progress.silent.push_back(name);
      continue;
    }
    ++progress.concerned;
    const bool made = agent.covers >= revision;
    if (made && agent.hasIt(epoch_)) ++progress.acknowledged;
    if (made && agent.runsIt(epoch_)) {
      ++progress.inEffect;
    } else if (made && agent.refusesIt(epoch_)) {
      progress.refused.push_back(name);
    } else {
      progress.behind.push_back(name);
    }
  }
  const bool mayStillCome = clock_.now() - began_ <= kSilentAfter;
  for (const auto& [name, services] : topology_->carried) {
    if (entries_.contains(name) || (service != flags::kEveryService && !services.contains(service))) continue;
    (mayStillCome ? progress.behind : progress.silent).push_back(name);
    if (mayStillCome) ++progress.concerned;
  }
  return progress;
}

io::Task<Progress> Fleet::settled(std::string service, std::uint64_t revision, Monotonic deadline) {
  for (;;) {
    Progress now = progress(service, revision);
    if (now.isDone() || loop_.clock().now() >= deadline) co_return now;
    io::Signal changed(loop_);
    settling_.push_back(changed.raiser());
    co_await changed.until(std::min(deadline, loop_.clock().now() + seconds(1)));
    co_await loop_.sleepFor(kTogether);
  }
}

/// Of what is wanted: as long as one of its services is on its way down, not all of it.
std::uint64_t Fleet::coveredFor(const Entry& entry) const {
  std::uint64_t covered = desired_->revision;
  for (const std::string& service : entry.scope) covered = std::min(covered, descents_.covered(service));
  return covered;
}

/// Also by those who were not heard of yet; where nobody was, nobody can say so.
bool Fleet::isRunEverywhere(const std::string& service) const {
  const Progress now = progress(service, 0);
  return now.concerned != 0 && now.isDone() && now.silent.empty();
}

void Fleet::descend() {
  if (!descents_.isAnyUnderWay()) return;
  const auto isRun = [this](const std::string& service) { return isRunEverywhere(service); };
  if (descents_.advance(clock_.now(), isRun)) refreshAll();
}

io::Task<void> Fleet::keepDescending() {
  for (;;) {
    co_await loop_.sleepFor(kDescend);
    descend();
  }
}

void Fleet::wakeSettled() {
  for (const auto& wake : std::exchange(settling_, {})) wake();
}

}  // namespace loam::fleet
