#include "proxy/server/identity.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "proxy/base/atomic_file.h"
#include "proxy/server/current_identity.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_controller.h"

namespace loam::server {
namespace {

using test::TestAuthority;
using test::trustIn;

constexpr const char* kName = "spiffe://loam/proxy/node-a";

class IdentityTest : public testing::Test {
 protected:
  wire::Enrolment enrolment(const tls::Credentials& own) const { return {toPem(own.chain), trustIn(1, {&authority})}; }
  Identity good(const std::string& token = "") const {
    const tls::Credentials own = authority.credentials({});
    auto made = identityOf(enrolment(own), own.keyPem, kName);
    EXPECT_TRUE(made) << made.error().describe();
    made->token = token;
    return *made;
  }

  const TestAuthority authority;
  test::TemporaryDirectory directory;
  const IdentityFile file{directory.path()};
};

TEST_F(IdentityTest, NamesGoByTheirDomain) {
  EXPECT_EQ(spiffeId("loam", "proxy", "a"), "spiffe://loam/proxy/a");
  EXPECT_EQ(domainOf("spiffe://shop.example/proxy/a"), "shop.example");
  for (const char* none : {"", "loam/proxy/a", "https://loam/proxy/a", "spiffe://loam"}) EXPECT_EQ(domainOf(none), "");
  EXPECT_EQ(controllerOf(good(), "controller"), "spiffe://loam/controller/controller");
}

TEST_F(IdentityTest, WhatAnEnrolmentGivesIsJudgedBeforeItIsUsed) {
  const tls::Credentials own = authority.credentials({});
  const TestAuthority stranger;
  const auto complaint = [&](const wire::Enrolment& given, const std::string& name = kName) {
    const auto made = identityOf(given, own.keyPem, name);
    return made ? std::string() : made.error().context;
  };
  EXPECT_EQ(complaint(enrolment(own)), "");
  EXPECT_NE(complaint(enrolment(own), "spiffe://loam/proxy/node-b").find("node-a"), std::string::npos);
  EXPECT_NE(complaint({toPem(own.chain), trustIn(1, {&stranger})}).find("none of the roots"), std::string::npos);
  tls::Credentials mixed = own;
  mixed.chain[1] = stranger.intermediate.certificate;
  EXPECT_NE(complaint(enrolment(mixed)), "");
  EXPECT_NE(complaint({"", trustIn(1, {&authority})}), "");
  wire::Enrolment noRoots = enrolment(own);
  noRoots.trust.roots.clear();
  EXPECT_NE(complaint(noRoots).find("not among its roots"), std::string::npos);
  wire::Enrolment otherIssues = enrolment(own);
  otherIssues.trust.issuing = stranger.id();
  EXPECT_NE(complaint(otherIssues).find("not among its roots"), std::string::npos);
  wire::Enrolment noRoot = enrolment(own);
  noRoot.trust.roots[0] = "a root";
  EXPECT_NE(complaint(noRoot), "");
}

TEST_F(IdentityTest, IsUpToDateWhenItsLeafIsOfTheRootThatIssues) {
  Identity identity = good();
  EXPECT_TRUE(isUpToDate(identity));
  const TestAuthority next;
  identity.trust = trustIn(2, {&authority, &next});
  EXPECT_FALSE(isUpToDate(identity));
  identity.trust = trustIn(2, {&next, &authority});
  EXPECT_TRUE(isUpToDate(identity));
}

TEST_F(IdentityTest, TheDiskGivesBackWhatItGot) {
  EXPECT_EQ(file.load()->has_value(), false);
  const Identity identity = good("0f");
  ASSERT_TRUE(file.store(identity));
  const auto kept = file.load();
  ASSERT_TRUE(kept && *kept) << kept.error().describe();
  EXPECT_EQ(toPem((*kept)->own.chain), toPem(identity.own.chain));
  EXPECT_EQ((*kept)->own.keyPem, identity.own.keyPem);
  EXPECT_EQ((*kept)->trust, identity.trust);
  EXPECT_EQ((*kept)->token, "0f");
}

TEST_F(IdentityTest, ACrashInTheMidstOfAWriteLeavesKeyAndCertificateOfOneKind) {
  const Identity first = good("first");
  ASSERT_TRUE(file.store(first));
  const Identity second = good("second");
  ASSERT_TRUE(file.store(second));
  const std::string whole = *readFile(file.path(), 1 << 20);
  ASSERT_TRUE(file.store(first));
  for (std::size_t written = 0; written <= whole.size(); written += 97) {
    std::ofstream(file.path() + ".next") << whole.substr(0, written);  // and then the power went
    const auto kept = file.load();
    ASSERT_TRUE(kept && *kept);
    EXPECT_EQ((*kept)->token, "first");
    CurrentIdentity current(file, "controller");
    EXPECT_TRUE(current.load()) << "its key fits";
  }
  ASSERT_TRUE(file.store(second));
  EXPECT_EQ((*file.load())->token, "second");
}

TEST_F(IdentityTest, EveryChangedByteIsFoundAndNoErrorShowsTheKey) {
  const Identity identity = good();
  ASSERT_TRUE(file.store(identity));
  const std::string whole = *readFile(file.path(), 1 << 20);
  const std::string secret = identity.own.keyPem.substr(40, 20);
  for (std::size_t at = 0; at + 1 < whole.size(); at += 7) {
    std::string changed = whole;
    changed[at] ^= 0x20;
    ASSERT_TRUE(replaceFile(file.path(), changed));
    const auto kept = file.load();
    ASSERT_FALSE(kept) << at;
    EXPECT_EQ(kept.error().context.find(secret), std::string::npos) << kept.error().context;
  }
}

TEST_F(IdentityTest, AKeyOfAnotherCertificateIsNeverStored) {
  CurrentIdentity current(file, "controller");
  Identity mixed = good();
  mixed.own.keyPem = good().own.keyPem;
  EXPECT_FALSE(current.use(mixed));
  EXPECT_EQ(current.get(), nullptr);
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

TEST_F(IdentityTest, ConnectionsGoByTheIdentityOfTheMoment) {
  CurrentIdentity current(file, "controller");
  const http::Securing securing = current.securing();
  EXPECT_EQ(securing.wrap().error().code, ErrorCode::Denied);
  ASSERT_TRUE(current.use(good()));
  EXPECT_TRUE(securing.wrap());
  const std::uint64_t before = securing.version();
  ASSERT_TRUE(current.use(good()));
  EXPECT_GT(securing.version(), before);
  current.deny({{wire::Denied::Of::Serial, "7f", 1}});
  EXPECT_EQ(current.denied()->at(0).value, "7f");
}

}  // namespace
}  // namespace loam::server
