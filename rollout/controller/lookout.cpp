#include "rollout/controller/lookout.h"

#include <utility>

#include "rollout/api/identity_routes.h"
#include "rollout/notify/identity_readings.h"
#include "rollout/notify/proxy_readings.h"

namespace loam::controller {

Lookout::Lookout(io::EventLoop& loop, const api::Control& control, const audit::WatchedLedger& ledger,
                 std::function<std::uint64_t()> wrongTokens, notify::Webhooks& webhooks)
    : loop_(loop),
      control_(control),
      ledger_(ledger),
      wrongTokens_(std::move(wrongTokens)),
      webhooks_(webhooks),
      began_(unixSeconds(control.clock.wall())) {}

io::Task<void> Lookout::watchLoop() {
  for (;;) {
    co_await loop_.sleepFor(kEvery);
    Readings readings;
    const fleet::Fleet& fleet = control_.fleet;
    fleet.visit([&](const fleet::Agent& agent) { notify::readProxy(agent, fleet.isSilent(agent), readings); });
    for (const std::string& proxy : fleet.neverAsked()) readings.push_back(notify::neverAsked(proxy));
    readings.push_back(notify::readLedger(ledger_.failure()));
    readings.push_back(storm_.look(wrongTokens_(), loop_.now()));
    if (control_.identities != nullptr) {
      notify::readStanding(*control_.identities->standing(), unixSeconds(control_.clock.wall()), readings);
    }
    webhooks_.seen(std::move(readings));
  }
}

io::Task<void> Lookout::watchControl() {
  for (;;) {
    co_await loop_.sleepFor(kEvery);
    auto readings = std::make_shared<Readings>();
    // Named: g++ 12 destroys a temporary that a co_await takes by value twice.
    api::Background::Work work = [this, readings, heard = api::heardOf(control_.fleet)] {
      lookAtControl(heard, *readings);
      return http::Response{};
    };
    const http::Response done = co_await control_.writer.run(std::move(work));
    (void)done;
    webhooks_.seen(std::move(*readings));
  }
}

void Lookout::lookAtControl(const std::vector<identity::Heard>& heard, Readings& into) const {
  into.push_back(notify::readJournal(control_.flags.isJournalled()));
  if (control_.identities == nullptr) return;
  const std::int64_t now = unixSeconds(control_.clock.wall());
  const identity::Records& records = control_.identities->records();
  notify::readCertificates(records, now, into);
  const auto standing = control_.identities->standing();
  const auto live = identity::liveAgents(records, standing->trustDomain, heard, began_, now);
  notify::readRotation(standing->rotation, live, began_, now, into);
}

}  // namespace loam::controller
