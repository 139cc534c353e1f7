#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "proxy/upstream/dice.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/hash_ring.h"
#include "proxy/upstream/in_flight.h"
#include "proxy/upstream/maglev_table.h"
#include "proxy/upstream/pick_key.h"

namespace loam::upstream {

enum class Algorithm : std::uint8_t {
  LeastRequest,  ///< the less busy of two drawn (Mitzenmacher, "The power of two choices", 2001)
  PeakEwma,      ///< of two drawn, where one more would be done sooner: latency times what is under way
  RoundRobin,
  Random,
  RingHash,
  Maglev,
};

struct BalancerTerms {
  Algorithm algorithm = Algorithm::LeastRequest;
  nanoseconds slowStart = seconds(10);  ///< until a new endpoint gets its whole share; 0: at once
  std::uint32_t panicPercent = 50;      ///< fewer healthy ones than that: all count as such; 0: never
  std::string zone{};                   ///< whose endpoints come first; empty: all are alike
  std::uint32_t leastEndpoints = 6;     ///< healthy ones in it, else a part goes elsewhere
  bool heedsHealth = false;             ///< somebody checks them
};

/// An endpoint with what is known of it.
struct Member {
  Endpoint endpoint;
  std::shared_ptr<EndpointState> state;
};

/// Chooses one of a set of endpoints for each exchange. Made with the snapshot and immutable but for the place of its
/// round; what it goes by is in the endpoints' states, which workers share. Any thread; no locks, and no look at all
/// endpoints while none is away or new.
///
/// Ejected and unhealthy endpoints get nothing, unless fewer than `panicPercent` are left: then all are picked as if
/// nothing were known. Endpoints of the own zone come first: with at least `leastEndpoints` healthy ones they get
/// everything; with fewer, as large a part as they have of that number, and the rest goes to the other zones.
class Balancer {
 public:
  /// `ejection`: null where nobody is ejected. `dice`: where its round begins, so that proxies do not go in step.
  Balancer(BalancerTerms terms, std::vector<Member> members, std::shared_ptr<ServiceState> service,
           std::shared_ptr<const Ejection> ejection, Dice& dice);

  /// The place of an endpoint among members(); nothing where there is none that may be picked. `tried`: places that
  /// come last, since an attempt went there already. What is picked is begun at once.
  std::optional<std::size_t> pick(const PickKey& key, Dice& dice, Monotonic now,
                                  std::span<const std::size_t> tried = {}) const;
  /// Counts an exchange with an endpoint, picked or where the client sent it. The first one when an ejected endpoint's
  /// time is over is its probe.
  InFlight begin(std::size_t place, Monotonic now) const;

  /// Sorted by address.
  std::span<const Member> members() const { return members_; }
  const Endpoint& endpoint(std::size_t place) const { return members_[place].endpoint; }
  std::optional<std::size_t> placeOf(const SocketAddress& address) const;
  /// Neither ejected nor unhealthy: for who sends exchanges where the client did.
  bool isAvailable(std::size_t place, Monotonic now) const;

 private:
  struct Field;
  using Places = std::vector<std::uint32_t>;

  Field fieldAt(Monotonic now, std::span<const std::size_t> tried) const;
  void look(Field& field) const;
  double weightOf(const Field& field, std::size_t place) const;
  const Places& placesFor(const Field& field, double part) const;
  std::optional<std::size_t> among(const Field& field, const Places& places, const PickKey& key, Dice& dice) const;
  std::size_t draw(const Field& field, const Places& places, double sum, std::size_t but, Dice& dice) const;
  std::optional<std::size_t> byTurn(const Field& field, const Places& places) const;
  std::optional<std::size_t> byKey(const Field& field, const Places& places, std::uint64_t hash) const;
  bool isBetter(std::size_t place, std::size_t than, Monotonic now) const;

  const BalancerTerms terms_;
  std::vector<Member> members_;
  const std::shared_ptr<ServiceState> service_;
  const std::shared_ptr<const Ejection> ejection_;
  std::vector<bool> ejects_;  // whom the ejection covers
  Places all_;
  Places own_;  // of the own zone, where that matters
  Places others_;
  std::variant<std::monostate, HashRing, MaglevTable> table_;
  alignas(64) mutable std::atomic<std::uint32_t> turn_;
};

}  // namespace loam::upstream
