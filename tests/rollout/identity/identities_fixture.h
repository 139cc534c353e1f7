#pragma once

#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rollout/identity/identities.h"
#include "tests/rollout/identity/request_maker.h"
#include "tests/rollout/identity/temporary_directory.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_ledger.h"

namespace loam::identity::test {

inline audit::Act by(const std::string& who, const std::string& reason = "a test") {
  audit::Act act;
  act.who = who;
  act.via = "socket";
  act.verb = "identity.test";
  act.reason = reason;
  return act;
}

inline IpAddress address(const std::string& text) { return *IpAddress::parse(text); }

/// A request of a host that made itself a key.
inline std::string request() { return *tls::signingRequest(*tls::KeyPair::generate(), "whoever"); }

/// What is kept over `ledger` and in `directory`, with sealing that costs next to nothing.
inline Result<std::unique_ptr<Identities>> openOver(audit::Ledger& ledger, const std::filesystem::path& directory,
                                                    const Clock& clock, Log& log, BroughtFiles brought = {}) {
  Identities::Settings settings;
  settings.brought = std::move(brought);
  return Identities::open(ledger, KeyVault(directory, SealingSecret("correct horse battery"), SealingCost{.n = 16}),
                          std::move(settings), clock, log);
}

/// 200 controllers over one ledger let a host in with one token at the same instant, each from an address of its own.
/// Gives how many did.
inline int raceFor(audit::Ledger& ledger, const std::filesystem::path& directory, const Clock& clock, Log& log) {
  constexpr int kRacers = 200;
  const auto first = openOver(ledger, directory, clock, log);
  EXPECT_TRUE(first) << first.error().describe();
  const std::string secret = (*first)->mint("node-a", kJoinTokenLife, by("ada"))->secret;
  std::vector<std::unique_ptr<Identities>> all;
  std::vector<std::string> requests;
  for (int i = 0; i < kRacers; ++i) {
    all.push_back(*openOver(ledger, directory, clock, log));
    requests.push_back(request());
  }
  std::barrier together(kRacers);
  std::array<bool, kRacers> joined{};
  std::vector<std::thread> racers;
  for (std::size_t i = 0; i < kRacers; ++i) {
    racers.emplace_back([&, i] {
      together.arrive_and_wait();
      joined[i] = all[i]->join({"node-a", secret, requests[i]}, address("10.0.0." + std::to_string(i))).has_value();
    });
  }
  for (std::thread& racer : racers) racer.join();
  return static_cast<int>(std::count(joined.begin(), joined.end(), true));
}

/// Identities over a ledger in memory and keys in a directory, of a time that stands still.
class IdentitiesFixture : public testing::Test {
 protected:
  IdentitiesFixture() { clock.setWall(std::chrono::time_point_cast<seconds>(SystemClock().wall())); }

  /// As a controller that starts: the one before is gone.
  void open(BroughtFiles brought = {}) {
    identities.reset();
    auto opened = openOver(ledger, directory.path(), clock, log, std::move(brought));
    ASSERT_TRUE(opened) << opened.error().describe();
    identities = *std::move(opened);
  }
  std::string mint(const std::string& name = "node-a") {
    const auto minted = identities->mint(name, kJoinTokenLife, by("ada"));
    EXPECT_TRUE(minted) << minted.error().describe();
    return minted ? minted->secret : "";
  }
  Result<wire::Enrolment> join(const std::string& name, const std::string& secret, const std::string& from = "10.0.0.1",
                               const std::string& csr = request()) {
    return identities->join({name, secret, csr}, address(from));
  }
  tls::Certificate leafOf(const Result<wire::Enrolment>& enrolment) {
    EXPECT_TRUE(enrolment) << enrolment.error().describe();
    return tls::certificatesFromPem(enrolment->chain)->front();
  }
  std::uint64_t tally(JoinOutcome outcome) const {
    return identities->tally().joins[static_cast<std::size_t>(outcome)];
  }
  const Rotation& rotation() const { return identities->records().rotation()->value; }
  std::size_t keyFiles() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
      count += entry.path().extension() == ".key" ? 1 : 0;
    }
    return count;
  }

  loam::test::FakeClock clock;
  Log log{LogLevel::Error};
  loam::test::MemoryLedger ledger{clock};
  TemporaryDirectory directory;
  std::unique_ptr<Identities> identities;
};

}  // namespace loam::identity::test
