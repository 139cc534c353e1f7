#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/task.h"
#include "rollout/fleet/agent.h"
#include "rollout/fleet/descents.h"
#include "rollout/fleet/reach.h"
#include "rollout/fleet/topology.h"

namespace loam::fleet {

/// All proxies, and the snapshot that each is to run: made anew when flags, topology or what a proxy can do changes,
/// and told to it as soon as it differs from the last. The loop's thread.
class Fleet {
 public:
  /// Proxies ask at least this often; longer silence means that one is away.
  static constexpr milliseconds kSilentAfter{90'000};
  static constexpr milliseconds kDescend{250};
  static constexpr milliseconds kTogether{10};  ///< acknowledgements of so long are looked at as one
  static constexpr std::size_t kMostAgents = 20'000;
  static constexpr std::size_t kMostMissedServices = 1000;  ///< of one proxy

  /// `epoch` is greater than that of every earlier controller of this mesh. All outlive it.
  Fleet(io::EventLoop& loop, std::uint64_t epoch, const Clock& clock, Log& log);

  void setDesired(std::shared_ptr<const flags::Desired> desired);
  void setTopology(std::shared_ptr<const Topology> topology);
  /// Whom proxies with a certificate are told to believe: encoded, and one object for all of them.
  void setTrust(std::shared_ptr<const std::string> trust);
  void setTraffic(std::shared_ptr<const Traffic> traffic) { traffic_ = std::move(traffic); }

  /// Takes what the proxy says (`spiffe`: who its certificate proves it to be; empty for a process of this host), and
  /// answers with its snapshot as soon as there is one that it neither has nor refuses; with nothing when its wait is
  /// over, or when it asks again on another connection. Exhausted beyond kMostAgents.
  /// `clock`: unix seconds, as its host had them when it asked; nothing where it does not say.
  io::Task<Result<std::optional<std::string>>> watch(wire::Watch watch, std::string spiffe = {},
                                                     std::optional<std::int64_t> clock = {});

  /// Tells the next rung of flags that are on their way down (Descents) when the one before is in effect, or its time
  /// is over. For as long as the controller runs.
  io::Task<void> keepDescending();
  /// Ways down that came to their end.
  std::vector<flags::Descent> descentsOver() const { return descents_.over(); }

  /// Answers all who wait with nothing, and from now on at once: the controller ends.
  void letGo();

  std::uint64_t epoch() const { return epoch_; }
  std::shared_ptr<const Topology> topology() const { return topology_; }
  /// What is known now, to take along to another thread; of proxies it may be a second old.
  Sight sight();
  /// Those that asked since this controller began, by name.
  std::vector<Agent> agents() const;
  /// And those that are to be drained as soon as they ask; by name.
  std::vector<Agent> expected() const;
  /// One of those.
  std::optional<Agent> agent(const std::string& name) const;
  /// Shows every proxy, where copies would be too many.
  void visit(const std::function<void(const Agent&)>& look) const;
  /// Proxies that the record knows and that have not asked since this controller began; none for its first
  /// kSilentAfter.
  std::vector<std::string> neverAsked() const;
  /// The snapshot that a proxy is to run.
  std::optional<std::string> snapshotOf(const std::string& name) const;
  bool isSilent(const Agent& agent) const;
  /// Since it asked last, whatever was done to the wall clock meanwhile. Of one that has asked.
  milliseconds sinceContact(const Agent& agent) const;

  /// How far `revision` has come at the proxies that carry `service` (all of them for flags::kEveryService). One that
  /// the record knows and that has not asked since this controller began is behind, and silent after kSilentAfter.
  Progress progress(const std::string& service, std::uint64_t revision) const;
  /// The same when it is done, or at the deadline.
  io::Task<Progress> settled(std::string service, std::uint64_t revision, Monotonic deadline);

 private:
  using Text = std::shared_ptr<const std::string>;
  struct Fragment {
    Text text;
    std::vector<Withheld> withheld;
  };
  /// Fragments for proxies that can do the same.
  using Fragments = std::map<std::string, Fragment>;
  struct Entry {
    Agent agent;
    std::set<std::string> missed;  // services that it asked for
    std::set<std::string> scope;   // services that it is told of
    Text defaults;
    Text trust;  // null: it is told nothing of it
    bool drained = false;
    std::vector<Text> services;
    std::function<void()> wake;
    std::uint64_t question = 0;
  };

  void take(Entry& entry, const wire::Watch& watch, std::string spiffe, std::optional<std::int64_t> clock);
  void noteClock(Agent& agent, std::optional<std::int64_t> clock);
  std::set<std::string> scopeOf(const Entry& entry) const;
  void refresh(Entry& entry);
  void refreshAll();
  const Fragment& fragment(const Entry& entry, const std::string& service);
  std::string textOf(const Entry& entry) const;
  std::uint64_t coveredFor(const Entry& entry) const;
  bool isRunEverywhere(const std::string& service) const;
  void descend();
  void wakeSettled();
  std::vector<Carrier> listCarriers() const;

  io::EventLoop& loop_;
  const std::uint64_t epoch_;
  const Clock& clock_;
  Log& log_;
  std::shared_ptr<const flags::Desired> desired_ = std::make_shared<const flags::Desired>();
  Descents descents_;  // what is told of desired_
  std::shared_ptr<const Topology> topology_ = std::make_shared<const Topology>();
  std::shared_ptr<const Traffic> traffic_ = std::make_shared<const Traffic>();
  std::shared_ptr<const std::vector<Carrier>> carriers_;  // as of carriersAt_
  Monotonic carriersAt_;
  std::unordered_map<SocketAddress, std::string> byAddress_;
  std::map<std::vector<std::string>, Fragments> fragments_;  // by capabilities
  std::map<std::string, Entry> entries_;
  std::uint64_t generation_ = 0;
  Text trust_;
  bool ending_ = false;
  const Monotonic began_;
  std::vector<std::function<void()>> settling_;  // those who wait for progress
};

}  // namespace loam::fleet
