#include "rollout/notify/identity_readings.h"

#include <algorithm>
#include <map>

#include "proxy/base/utc.h"
#include "rollout/identity/live_agents.h"
#include "rollout/identity/spiffe_id.h"

namespace loam::notify {

namespace {

constexpr std::size_t kDigits = 16;  // of a root's SHA-256, as `loam identity list` shows it

Reading expiring(std::string subject, std::int64_t end, bool holds, std::string_view advice) {
  Reading reading{Event::IdentityExpiring, std::move(subject), holds};
  if (!holds) return reading;
  reading.summary =
      "The certificate of the " + reading.subject + " ends at " + utcText(end) + " and should have been renewed.";
  reading.detail = advice;
  return reading;
}

}  // namespace

std::int64_t alarmOf(std::int64_t life, std::int64_t most) { return std::min(life * 2 / 5, most); }

void readStanding(const identity::Standing& standing, std::int64_t now, std::vector<Reading>& into) {
  for (const auto& root : standing.roots) {
    const std::string id = root.id.substr(0, kDigits);
    const std::int64_t end = root.certificate.notAfter();
    const std::int64_t alarm = alarmOf(end - root.certificate.notBefore(), kRootAlarm);
    into.push_back(expiring("root " + id, end, end - now < alarm,
                            "Change the root step by step: loam identity rotate begin --wait"));
    const std::int64_t below = root.intermediateUntil;
    const std::int64_t belowAlarm = alarmOf(below - root.intermediateFrom, kOtherAlarm);
    into.push_back(expiring("intermediate of " + id, below, below - now < belowAlarm,
                            root.renewable ? "The controller could not renew it: its log says why."
                                           : "Its owner has to sign the next one: authority.intermediate, then start "
                                             "the controller again."));
  }
  const tls::Certificate& own = standing.own.chain.front();
  const std::int64_t end = own.notAfter();
  into.push_back(expiring("controller", end, end - now < alarmOf(end - own.notBefore(), kOtherAlarm),
                          "The controller could not renew it: its log says why."));
}

void readCertificates(const identity::Records& records, std::int64_t now, std::vector<Reading>& into) {
  std::map<std::string_view, const identity::Issued*> newest;
  for (const auto& [serial, kept] : records.certificates()) {
    const identity::Issued*& found = newest[kept.value.spiffe];
    if (found == nullptr || found->notAfter < kept.value.notAfter) found = &kept.value;
  }
  for (const auto& [spiffe, issued] : newest) {
    const auto id = identity::parseSpiffeId(spiffe);
    const bool counts = id && id->kind == identity::kProxyKind && issued->notAfter > now;
    if (!counts || records.denials().whyDenied(issued->serial, issued->spiffe, now)) continue;
    const bool holds = issued->notAfter - now < alarmOf(issued->notAfter - issued->notBefore, kOtherAlarm);
    into.push_back(expiring("proxy " + id->name, issued->notAfter, holds,
                            "Look at the proxy's log and /readyz; when it has expired the host has to join again."));
  }
}

void readRotation(const identity::Rotation& rotation, const std::vector<identity::Acknowledgement>& live,
                  std::int64_t began, std::int64_t now, std::vector<Reading>& into) {
  constexpr std::size_t kMostNamed = 10;
  const std::vector<std::string> waiting = identity::notYet(rotation, live);
  const bool changes = rotation.state != identity::RotationState::Steady && !waiting.empty();
  if (changes && now - began <= identity::kAwayAfter) return;
  Reading reading{Event::RotationWaits, "root", changes && now - rotation.since >= kRotationPatience};
  if (reading.holds) {
    reading.summary = "The change of the root has waited in " + std::string(name(rotation.state)) + " since " +
                      utcText(rotation.since) + " for " + std::to_string(waiting.size()) +
                      (waiting.size() == 1 ? " proxy." : " proxies.");
    for (std::size_t i = 0; i < std::min(waiting.size(), kMostNamed); ++i) {
      reading.detail.append(i == 0 ? "" : ", ").append(waiting[i]);
    }
    if (waiting.size() > kMostNamed) reading.detail.append(", ...");
  }
  into.push_back(std::move(reading));
}

}  // namespace loam::notify
