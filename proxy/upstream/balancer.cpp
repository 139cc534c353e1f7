#include "proxy/upstream/balancer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "proxy/upstream/nanoseconds_of.h"

namespace loam::upstream {

namespace {

constexpr std::uint32_t kPercent = 100;

/// Sorted, so that every proxy has them in the same places.
std::vector<Member> inOrder(std::vector<Member> members) {
  const auto addressOf = [](const Member& member) { return member.endpoint.address; };
  std::sort(members.begin(), members.end(),
            [&](const Member& a, const Member& b) { return addressOf(a) < addressOf(b); });
  members.erase(std::unique(members.begin(), members.end(),
                            [&](const Member& a, const Member& b) { return addressOf(a) == addressOf(b); }),
                members.end());
  return members;
}

std::vector<std::string> namesOf(std::span<const Member> members) {
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const Member& member : members) names.push_back(member.endpoint.address.text());
  return names;
}

/// 0 to 1, of a key and what it is drawn for.
double partOf(std::uint64_t hash, std::uint64_t what) { return Dice(hash ^ (what + 1) * 0x9E3779B97F4A7C15U).part(); }

}  // namespace

/// What a pick goes by: how things stand at that moment.
struct Balancer::Field {
  Monotonic now;
  std::span<const std::size_t> tried;
  bool away = false;     // somebody may be
  bool fresh = false;    // somebody may be in slow start
  bool panics = false;   // nobody counts as away
  std::size_t left = 0;  // endpoints that may be picked
  std::size_t near = 0;  // of them those of the own zone
  double mostShare = 1;  // of one of them

  /// All of them alike.
  bool isPlain() const { return !away && !fresh && tried.empty(); }
};

Balancer::Balancer(BalancerTerms terms, std::vector<Member> members, std::shared_ptr<ServiceState> service,
                   std::shared_ptr<const Ejection> ejection, Dice& dice)
    : terms_(std::move(terms)),
      members_(inOrder(std::move(members))),
      service_(std::move(service)),
      ejection_(std::move(ejection)),
      turn_(static_cast<std::uint32_t>(dice.next())) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Endpoint& endpoint = members_[i].endpoint;
    const auto place = static_cast<std::uint32_t>(i);
    all_.push_back(place);
    (!terms_.zone.empty() && endpoint.zone == terms_.zone ? own_ : others_).push_back(place);
    ejects_.push_back(ejection_ && (!ejection_->terms().covers || ejection_->terms().covers(endpoint.address)));
  }
  const auto names = namesOf(members_);
  if (terms_.algorithm == Algorithm::RingHash) table_.emplace<HashRing>(names);
  if (terms_.algorithm == Algorithm::Maglev) table_.emplace<MaglevTable>(names);
}

std::optional<std::size_t> Balancer::pick(const PickKey& key, Dice& dice, Monotonic now,
                                          std::span<const std::size_t> tried) const {
  Field field = fieldAt(now, tried);
  if (field.left == 0) return std::nullopt;
  const Places* first = &all_;
  if (!own_.empty() && !others_.empty()) {
    first = &placesFor(field, key.hash() ? partOf(*key.hash(), members_.size()) : dice.part());
  }
  for (;;) {
    if (const auto place = among(field, *first, key, dice)) return place;
    if (first != &all_) {
      if (const auto place = among(field, all_, key, dice)) return place;
    }
    if (field.tried.empty()) return std::nullopt;
    field.tried = {};  // nobody else is left
  }
}

InFlight Balancer::begin(std::size_t place, Monotonic now) const {
  return {members_[place].state, ejects_[place] ? ejection_ : nullptr, now};
}

std::optional<std::size_t> Balancer::placeOf(const SocketAddress& address) const {
  const auto found =
      std::lower_bound(members_.begin(), members_.end(), address,
                       [](const Member& member, const SocketAddress& to) { return member.endpoint.address < to; });
  if (found == members_.end() || found->endpoint.address != address) return std::nullopt;
  return static_cast<std::size_t>(found - members_.begin());
}

bool Balancer::isAvailable(std::size_t place, Monotonic now) const {
  const EndpointState& state = *members_[place].state;
  if (terms_.heedsHealth && !state.isHealthy()) return false;
  return !ejects_[place] || ejection_->terms().simulated || !state.isEjected(now);
}

Balancer::Field Balancer::fieldAt(Monotonic now, std::span<const std::size_t> tried) const {
  Field field{.now = now, .tried = tried, .left = all_.size(), .near = own_.size()};
  const bool heeds = terms_.heedsHealth || (ejection_ && !ejection_->terms().simulated);
  field.away = heeds && service_->away.load(std::memory_order_relaxed) != 0;
  field.fresh = service_->newest.load(std::memory_order_relaxed) > nanosecondsOf(now) - terms_.slowStart.count();
  if (field.away || field.fresh) look(field);
  return field;
}

/// At each endpoint.
void Balancer::look(Field& field) const {
  std::size_t left = 0;
  std::size_t near = 0;
  double most = 0;
  for (const std::uint32_t place : all_) {
    if (field.away && !isAvailable(place, field.now)) continue;
    ++left;
    if (!terms_.zone.empty() && members_[place].endpoint.zone == terms_.zone) ++near;
    most = std::max(most, members_[place].state->share(field.now, terms_.slowStart));
  }
  field.panics = left * kPercent < all_.size() * terms_.panicPercent;
  if (field.panics) {
    service_->panics.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  field.left = left;
  field.near = near;
  if (most > 0) field.mostShare = most;
}

/// How much of a whole share an endpoint gets among the others; 0: it is not to be picked.
double Balancer::weightOf(const Field& field, std::size_t place) const {
  if (std::find(field.tried.begin(), field.tried.end(), place) != field.tried.end()) return 0;
  if (field.away && !field.panics && !isAvailable(place, field.now)) return 0;
  if (!field.fresh || field.panics) return 1;
  return members_[place].state->share(field.now, terms_.slowStart) / field.mostShare;
}

/// Whose turn it is between the own zone and the others; `part` is drawn from 0 to 1.
const Balancer::Places& Balancer::placesFor(const Field& field, double part) const {
  if (field.near >= terms_.leastEndpoints) return own_;
  const auto near = static_cast<double>(field.near);
  // Never less than they are of all: with few endpoints anywhere the own ones are as good as any.
  const double stays = std::max(near / terms_.leastEndpoints, near / static_cast<double>(field.left));
  return part < stays ? own_ : others_;
}

std::optional<std::size_t> Balancer::among(const Field& field, const Places& places, const PickKey& key,
                                           Dice& dice) const {
  double sum = static_cast<double>(places.size());
  if (!field.isPlain()) {
    sum = 0;
    for (const std::uint32_t place : places) sum += weightOf(field, place);
  }
  if (sum <= 0) return std::nullopt;
  if (key.hash() && table_.index() != 0) return byKey(field, places, *key.hash());
  if (terms_.algorithm == Algorithm::RoundRobin) return byTurn(field, places);
  const std::size_t first = draw(field, places, sum, places.size(), dice);
  if (terms_.algorithm != Algorithm::LeastRequest && terms_.algorithm != Algorithm::PeakEwma) return places[first];
  const std::size_t second = draw(field, places, sum, first, dice);
  return isBetter(places[second], places[first], field.now) ? places[second] : places[first];
}

/// One of `places`, by weight, and another than `but`; that where there is no other.
std::size_t Balancer::draw(const Field& field, const Places& places, double sum, std::size_t but, Dice& dice) const {
  const bool isOther = but < places.size();
  if (field.isPlain()) {
    if (isOther && places.size() == 1) return but;
    const std::size_t drawn = dice.below(static_cast<std::uint32_t>(places.size() - (isOther ? 1 : 0)));
    return isOther && drawn >= but ? drawn + 1 : drawn;
  }
  double rest = dice.part() * (sum - (isOther ? weightOf(field, places[but]) : 0));
  std::size_t last = but;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double weight = i == but ? 0 : weightOf(field, places[i]);
    if (weight <= 0) continue;
    last = i;
    rest -= weight;
    if (rest < 0) break;
  }
  return last;
}

/// Round robin. An endpoint that has less than a whole share lets turns go by, evenly: of ten rounds it takes part in
/// three where its share is 0.3. Those that cannot be picked use their turns up, so that nobody inherits them.
std::optional<std::size_t> Balancer::byTurn(const Field& field, const Places& places) const {
  const auto count = static_cast<std::uint32_t>(places.size());
  const std::uint32_t mostTurns = count * static_cast<std::uint32_t>(1 / EndpointState::kLeastShare + 1);
  for (std::uint32_t i = 0; i < mostTurns; ++i) {
    const std::uint32_t turn = turn_.fetch_add(1, std::memory_order_relaxed);
    const std::uint32_t place = places[turn % count];
    if (field.isPlain()) return place;
    const double weight = weightOf(field, place);
    const std::uint32_t rounds = turn / count;
    const double round = rounds;
    if (weight >= 1 || std::floor((round + 1) * weight) > std::floor(round * weight)) return place;
  }
  const auto found =
      std::find_if(places.begin(), places.end(), [&](std::size_t place) { return weightOf(field, place) > 0; });
  return found == places.end() ? std::nullopt : std::optional<std::size_t>(*found);
}

/// Where the key belongs, or next to it where that endpoint gets nothing. One that starts slowly gets its keys bit by
/// bit, each for good.
std::optional<std::size_t> Balancer::byKey(const Field& field, const Places& places, std::uint64_t hash) const {
  const auto find = [&](const auto& accepts) {
    const auto* ring = std::get_if<HashRing>(&table_);
    return ring != nullptr ? ring->find(hash, accepts) : std::get_if<MaglevTable>(&table_)->find(hash, accepts);
  };
  const bool anywhere = places.size() == all_.size();
  const auto weigh = [&](std::size_t place) {
    if (!anywhere && !std::binary_search(places.begin(), places.end(), place)) return 0.0;
    return field.isPlain() ? 1.0 : weightOf(field, place);
  };
  std::size_t place = find([&](std::size_t one) {
    const double weight = weigh(one);
    return weight >= 1 || (weight > 0 && partOf(hash, one) < weight);
  });
  if (place == members_.size()) place = find([&](std::size_t one) { return weigh(one) > 0; });
  return place == members_.size() ? std::nullopt : std::optional(place);
}

bool Balancer::isBetter(std::size_t place, std::size_t than, Monotonic now) const {
  const EndpointState& one = *members_[place].state;
  const EndpointState& other = *members_[than].state;
  if (terms_.algorithm == Algorithm::PeakEwma) return one.cost(now) < other.cost(now);
  return one.underWay() < other.underWay();
}

}  // namespace loam::upstream
