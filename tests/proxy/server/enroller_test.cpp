#include "proxy/server/enroller.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "proxy/base/atomic_file.h"
#include "proxy/io/task_scope.h"
#include "proxy/server/peer_identity.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_controller.h"

namespace loam::server {
namespace {

using test::TestAuthority;
using test::TlsController;
using test::trustIn;

class EnrollerTest : public testing::Test {
 protected:
  EnrollerTest() { clock.setWall(real.wall()); }

  void give(const std::string& token) const { std::ofstream(tokenFile()) << token << "\n"; }
  std::string tokenFile() const { return directory / "token"; }
  IdentityFile file() const { return IdentityFile(directory.path()); }
  JoinTerms terms() const { return {controller->target(), controller->authority().id(), "controller", "node-a"}; }
  /// As a start of the program does.
  void start() { start(terms()); }
  void start(JoinTerms to) {
    connection.reset();
    enroller = std::make_unique<Enroller>(std::move(to), tokenFile(), file(), clock, *said);
    enroller->load();
    connection = std::make_unique<http::KeptConnection>(controller->target(), enroller->identity().securing());
  }
  static io::Task<void> tendInto(Enroller& enroller, io::EventLoop& loop, http::KeptConnection& connection, bool& out) {
    out = co_await enroller.tend(loop, connection);
  }
  bool tend() {
    bool ready = false;
    io::TaskScope scope;
    scope.spawn(tendInto(*enroller, *loop, *connection, ready));
    for (const Monotonic end = real.now() + seconds(20); scope.size() != 0 && real.now() < end;) {
      loop->turn(milliseconds(2));
    }
    EXPECT_EQ(scope.size(), 0u) << "tend() never ended";
    return ready;
  }
  bool join() {
    give("loam-join-good");
    start();
    return tend();
  }
  std::string serial() const { return enroller->identity().get()->leaf().serial(); }
  /// Moves the wall clock to a share of the leaf's life, from 0 to 1.
  void moveTo(double share) {
    const tls::Certificate& leaf = enroller->identity().get()->leaf();
    const auto life = static_cast<double>(leaf.notAfter() - leaf.notBefore());
    clock.setWall(Wall(seconds(leaf.notBefore() + static_cast<std::int64_t>(share * life))));
  }

  SystemClock real;
  test::FakeClock clock;
  Log log{LogLevel::Error, -1};
  Log* said = &log;
  test::TemporaryDirectory directory;
  std::unique_ptr<TlsController> controller = std::make_unique<TlsController>();
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  std::unique_ptr<Enroller> enroller;
  std::unique_ptr<http::KeptConnection> connection;
};

TEST_F(EnrollerTest, JoinsWithATokenAndKeepsWhatItGot) {
  ASSERT_TRUE(join());
  const auto identity = enroller->identity().get();
  EXPECT_EQ(identity->leaf().spiffeId(), "spiffe://loam/proxy/node-a");
  EXPECT_EQ(identity->trust, controller->trust());
  EXPECT_EQ(controller->heard().joins.at(0).proxy, "node-a");
  EXPECT_EQ(enroller->state().joins, 1u);
  EXPECT_EQ(enroller->state().trustStep, 1u);
  EXPECT_EQ(enroller->state().expires, identity->leaf().notAfter());

  const std::string before = serial();
  start();
  EXPECT_TRUE(tend());
  EXPECT_EQ(serial(), before) << "the next program goes on with it";
  EXPECT_EQ(enroller->state().trustStep, 1u);
  EXPECT_EQ(controller->heard().joins.size(), 1u);
}

TEST_F(EnrollerTest, TheKeyIsNobodyElsesToRead) {
  ::umask(0);
  ASSERT_TRUE(join());
  ::umask(022);
  struct stat key {};
  struct stat folder {};
  ASSERT_EQ(::stat(file().path().c_str(), &key), 0);
  ASSERT_EQ(::stat((directory / "identity").c_str(), &folder), 0);
  EXPECT_EQ(key.st_mode & 07777, 0600u);
  EXPECT_EQ(folder.st_mode & 07777, 0700u);
}

TEST_F(EnrollerTest, D10_ARefusedTokenIsTriedAgainOnlyWhenItChanges) {
  give("loam-join-wrong");
  start();
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(tend());
    clock.advance(Enroller::kMostBackOff);
  }
  EXPECT_EQ(controller->heard().joins.size(), 1u);
  EXPECT_EQ(enroller->state().failures, 1u);
  give("loam-join-good");
  EXPECT_TRUE(tend());
}

TEST_F(EnrollerTest, WaitsForATokenThatIsNotThereYet) {
  start();
  EXPECT_FALSE(tend());
  EXPECT_EQ(controller->heard().connections, 0u);
  give("\n  \n");
  EXPECT_FALSE(tend());
  give("loam-join-good");
  EXPECT_TRUE(tend());
}

TEST_F(EnrollerTest, D14_AServerWithAnotherRootNeverSeesTheToken) {
  give("loam-join-good");
  JoinTerms to = terms();
  to.root = TestAuthority().id();
  start(to);
  EXPECT_FALSE(tend());
  EXPECT_TRUE(controller->heard().joins.empty());
  EXPECT_EQ(enroller->state().failures, 1u);
  EXPECT_FALSE(std::filesystem::exists(file().path()));
}

TEST_F(EnrollerTest, D4_AProxyThatPosesAsTheControllerNeverSeesTheToken) {
  for (const char* name :
       {"spiffe://loam/proxy/node-b", "spiffe://loam/controller/other", "spiffe://loam/x/controller/controller"}) {
    controller = std::make_unique<TlsController>(TestAuthority(), TlsController::Settings{.name = name});
    EXPECT_FALSE(join()) << name;
    EXPECT_TRUE(controller->heard().joins.empty()) << name;
  }
}

TEST_F(EnrollerTest, TriesAgainAfterAPauseThatGrows) {
  controller->refuse("/v1/join", 503);
  EXPECT_FALSE(join());
  EXPECT_FALSE(tend());
  EXPECT_EQ(enroller->state().failures, 1u) << "not before the pause is over";
  clock.advance(Enroller::kFirstBackOff);
  EXPECT_FALSE(tend());
  EXPECT_EQ(enroller->state().failures, 2u);
  clock.advance(Enroller::kFirstBackOff - milliseconds(1));
  EXPECT_FALSE(tend());
  EXPECT_EQ(enroller->state().failures, 2u) << "the second pause is twice as long, at least half of it fixed";
  controller->refuse("/v1/join", 0);
  clock.advance(Enroller::kMostBackOff);
  EXPECT_TRUE(tend());
}

TEST_F(EnrollerTest, RenewsAtHalfOfItsLifeGiveOrTakeATenth) {
  ASSERT_TRUE(join());
  const std::string first = serial();
  const std::string firstKey = enroller->identity().get()->own.keyPem;
  moveTo(0.44);
  EXPECT_TRUE(tend());
  EXPECT_EQ(serial(), first);
  moveTo(0.56);
  EXPECT_TRUE(tend());
  EXPECT_NE(serial(), first);
  EXPECT_NE(enroller->identity().get()->own.keyPem, firstKey) << "with a new key";
  EXPECT_EQ(controller->heard().renewals, std::vector<std::string>{first}) << "under the one that it had";
  EXPECT_EQ(enroller->state().renewals, 1u);
}

TEST_F(EnrollerTest, D7_AControllerThatIsAwayLeavesTheCertificateInUse) {
  ASSERT_TRUE(join());
  const std::string first = serial();
  controller->refuse("/v1/renew", 503);
  moveTo(0.6);
  EXPECT_TRUE(tend()) << "it is still good";
  EXPECT_TRUE(tend());
  EXPECT_EQ(enroller->state().failures, 1u) << "the second try waits";
  EXPECT_EQ(serial(), first);
  controller->refuse("/v1/renew", 0);
  clock.advance(Enroller::kMostBackOff);
  EXPECT_TRUE(tend());
  EXPECT_NE(serial(), first);
}

TEST_F(EnrollerTest, D7_AlarmsWhenAHalfAQuarterAndATenthOfItsLifeAreLeft) {
  const std::string path = directory / "log";
  std::optional<Log> written(std::in_place, LogLevel::Warn, ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600));
  said = &*written;
  ASSERT_TRUE(join());
  const std::int64_t life = enroller->state().life;
  EXPECT_EQ(life, enroller->identity().get()->leaf().notAfter() - enroller->identity().get()->leaf().notBefore());
  controller->refuse("/v1/renew", 503);
  for (const double spent : {0.4, 0.57, 0.7, 0.76, 0.85, 0.91, 0.99, 1.0}) {
    moveTo(spent);
    for (int times = 0; times < 3; ++times) {
      clock.advance(milliseconds(1));
      tend();
    }
  }
  enroller.reset();
  written.reset();  // writes what is queued
  std::string text = *readFile(path, 65'536);
  std::size_t from = 0;
  for (const char* line : {"half of the certificate's life is left, and it could not be renewed",
                           "less than a quarter of the certificate's life is left",
                           "less than a tenth of the certificate's life is left", "the certificate has expired"}) {
    const std::size_t at = text.find(line, from);
    ASSERT_NE(at, std::string::npos) << line << "\n" << text;
    EXPECT_EQ(text.find(line, at + 1), std::string::npos) << "said once: " << line;
    from = at;
  }
}

TEST_F(EnrollerTest, D7_TheShareOfLifeThatIsLeftIsAMetric) {
  ASSERT_TRUE(join());
  const auto leftAt = [&](double spent) {
    moveTo(spent);
    MetricFamilies families;
    collectIdentity(enroller->state(), clock.wall(), families);
    for (const auto& family : families) {
      if (family.name == "loam_identity_life_left_ratio") return family.metric.at(0).gauge.value;
    }
    return -1.0;
  };
  EXPECT_NEAR(leftAt(0.25), 0.75, 0.01);
  EXPECT_NEAR(leftAt(0.9), 0.1, 0.01);
  EXPECT_EQ(leftAt(1.5), 0.0);
  EXPECT_EQ(leftAt(-1), 1.0) << "of a clock that went back";
}

TEST_F(EnrollerTest, AnExpiredCertificateNeedsANewToken) {
  ASSERT_TRUE(join());
  const std::string first = serial();
  moveTo(1.0);
  EXPECT_FALSE(tend());
  EXPECT_FALSE(tend());
  EXPECT_EQ(controller->heard().joins.size(), 1u) << "the token that it joined with is not tried again";
  EXPECT_TRUE(controller->heard().renewals.empty());
  start();
  EXPECT_FALSE(tend());
  EXPECT_EQ(controller->heard().joins.size(), 1u) << "nor by the next program";
  give("loam-join-newer");
  EXPECT_FALSE(tend());
  EXPECT_EQ(controller->heard().joins.size(), 2u);
}

TEST_F(EnrollerTest, D12_WhoIsNotHeardAnyMoreComesBackWithANewToken) {
  ASSERT_TRUE(join());
  give("loam-join-newer");
  EXPECT_TRUE(tend());
  EXPECT_EQ(controller->heard().joins.size(), 1u) << "who is heard needs none";
  give("loam-join-good");
  enroller->setHeard(false);
  EXPECT_TRUE(tend()) << "it may be heard again";
  EXPECT_EQ(controller->heard().joins.size(), 1u);
  give("loam-join-newer");
  EXPECT_TRUE(tend());
  EXPECT_EQ(controller->heard().joins.back().token, "loam-join-newer");
}

TEST_F(EnrollerTest, D8_AClockThatJumpsAheadAndBackCostsNothing) {
  ASSERT_TRUE(join());
  const Wall before = clock.wall();
  moveTo(25.0);
  EXPECT_FALSE(tend());
  clock.setWall(before);
  EXPECT_TRUE(tend());
  EXPECT_EQ(enroller->state().failures, 0u);
}

TEST_F(EnrollerTest, D8_AClockFiveMinutesBehindUsesWhatItWasJustGiven) {
  ASSERT_TRUE(join());
  const std::int64_t from = enroller->identity().get()->leaf().notBefore();
  PeerIdentity peers(&enroller->identity(), clock);
  clock.setWall(Wall(seconds(from - 299)));
  EXPECT_NE(peers.asServer(), nullptr);
  EXPECT_NE(peers.asClient(), nullptr);
  EXPECT_FALSE(peers.hasExpired());
  clock.setWall(Wall(seconds(from - 301)));
  EXPECT_EQ(peers.asClient(), nullptr) << "no peer would believe it";
  EXPECT_FALSE(peers.hasExpired()) << "not what at_expiry is about";
  moveTo(1.0);
  EXPECT_EQ(peers.asServer(), nullptr);
  EXPECT_TRUE(peers.hasExpired());
}

TEST_F(EnrollerTest, D6_FollowsANewRootAndAcknowledgesWhenItHoldsALeafOfIt) {
  ASSERT_TRUE(join());
  const TestAuthority next;
  controller->refuse("/v1/renew", 503);
  controller->rotate(next, 2);
  enroller->told(controller->trust(), false);
  EXPECT_TRUE(tend());
  EXPECT_EQ(enroller->identity().get()->trust.roots.size(), 2u) << "believed, and on the disk";
  EXPECT_EQ((**file().load()).trust.step, 2u);
  EXPECT_EQ(enroller->state().trustStep, 1u) << "but its leaf is of the old root";
  controller->refuse("/v1/renew", 0);
  clock.advance(Enroller::kMostBackOff);
  EXPECT_TRUE(tend());
  EXPECT_EQ(enroller->state().trustStep, 2u);
  EXPECT_TRUE(isUpToDate(*enroller->identity().get()));
  start();
  EXPECT_EQ(enroller->state().trustStep, 2u) << "also after a start";
}

TEST_F(EnrollerTest, BelievesASecondRootWithoutANewLeaf) {
  ASSERT_TRUE(join());
  const std::string first = serial();
  const TestAuthority second;
  wire::Trust trust = trustIn(2, {&second, &controller->authority()});
  trust.denied = {{wire::Denied::Of::Name, "spiffe://loam/proxy/node-b", 1'900'000'000}};
  enroller->told(trust, false);
  EXPECT_TRUE(tend());
  EXPECT_EQ(enroller->state().trustStep, 2u);
  EXPECT_EQ(serial(), first);
  EXPECT_EQ(enroller->identity().denied()->size(), 1u);
  EXPECT_TRUE((**file().load()).trust.denied.empty()) << "that list may be long, and comes with each snapshot";
  enroller->told(trustIn(1, {&controller->authority()}), false);
  EXPECT_TRUE(tend());
  EXPECT_EQ(enroller->identity().get()->trust.step, 2u) << "never backwards";
  enroller->told(trustIn(1, {&controller->authority()}), true);
  EXPECT_TRUE(tend());
  EXPECT_EQ(enroller->identity().get()->trust.step, 1u) << "but where the controller was restored";
}

TEST_F(EnrollerTest, G16_WhatTheDiskDoesNotTakeIsNeitherUsedNorAcknowledged) {
  ASSERT_TRUE(join());
  std::filesystem::create_directory(file().path() + ".next");  // the file cannot be written
  const TestAuthority second;
  enroller->told(trustIn(2, {&second, &controller->authority()}), false);
  EXPECT_TRUE(tend());
  EXPECT_EQ(enroller->identity().get()->trust.step, 1u);
  EXPECT_EQ(enroller->state().trustStep, 1u);
  std::filesystem::remove(file().path() + ".next");
  EXPECT_TRUE(tend());
  EXPECT_EQ(enroller->state().trustStep, 2u);
}

TEST_F(EnrollerTest, G16_AFullDiskDoesNotCostTheToken) {
  std::filesystem::create_directories(file().path() + ".next");
  EXPECT_FALSE(join());
  EXPECT_EQ(enroller->identity().get(), nullptr) << "what is not on the disk is not used";
  EXPECT_FALSE(tend());
  std::filesystem::remove(file().path() + ".next");
  clock.advance(Enroller::kMostBackOff);
  EXPECT_TRUE(tend());
  EXPECT_EQ(controller->heard().joins.size(), 1u);
  EXPECT_EQ(enroller->state().joins, 1u);
}

TEST_F(EnrollerTest, ARenewalThatDoesNotHelpIsNotRepeatedInACircle) {
  ASSERT_TRUE(join());
  const TestAuthority next;
  enroller->told(trustIn(2, {&controller->authority(), &next}), false);  // whose leaves this controller does not issue
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(tend());
  EXPECT_LE(enroller->state().renewals, 1u);
  clock.setWall(clock.wall() + std::chrono::hours(24 * 365));  // whatever it issues has expired here
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(tend());
  EXPECT_LE(enroller->state().renewals, 1u);
}

TEST_F(EnrollerTest, ADamagedFileIsMovedAsideAndTheProxyJoinsAnew) {
  ASSERT_TRUE(join());
  std::string text = *readFile(file().path(), 1 << 20);
  text[text.size() / 2] ^= 1;
  ASSERT_TRUE(replaceFile(file().path(), text));
  start();
  EXPECT_TRUE(std::filesystem::exists(file().path() + ".damaged"));
  EXPECT_TRUE(tend());
  EXPECT_EQ(controller->heard().joins.size(), 2u);
}

}  // namespace
}  // namespace loam::server
