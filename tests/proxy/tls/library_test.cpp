#include "proxy/tls/library.h"

#include "tests/proxy/tls/tls_fixture.h"

namespace loam::tls {
namespace {

class LibraryTest : public TlsFixture {
 protected:
  static std::shared_ptr<const Library> library() {
    auto made = Library::make();
    EXPECT_TRUE(made) << made.error().describe();
    return *made;
  }
};

TEST_F(LibraryTest, HandsAreShakenUnderEveryKindOfKeyThatAnAuthorityMayHave) {
  struct Kind {
    const char* name;
    loam::test::SharedKey key;
    const EVP_MD* digest;
  };
  const Kind kinds[] = {{"P-256", loam::test::p256(), EVP_sha256()},
                        {"P-384", {EVP_EC_gen("P-384"), EVP_PKEY_free}, EVP_sha384()},
                        {"RSA", loam::test::rsa(2048), EVP_sha256()},
                        {"Ed25519", loam::test::ed25519(), nullptr}};
  for (const Kind& kind : kinds) {
    const Party authority = makeParty(
        {.commonName = "root", .names = "", .usage = "", .authority = true, .digest = kind.digest, .key = kind.key});
    const Party one = makeParty({.names = std::string("URI:") + kServerId, .digest = kind.digest}, &authority);
    const Party other = makeParty({.digest = kind.digest}, &authority);
    const auto serving =
        contextOf(Context::server({.own = one.credentials(), .roots = {authority.certificate}, .library = library()}));
    const auto calling = contextOf(
        Context::client({.own = other.credentials(), .roots = {authority.certificate}, .library = library()}));
    const Both both = shake(serving, calling);
    ASSERT_TRUE(both.server) << kind.name << ": " << both.server.error().describe();
    ASSERT_TRUE(both.client) << kind.name << ": " << both.client.error().describe();
  }
}

TEST_F(LibraryTest, LeavesOfThoseKindsAreReadAndSignedWith) {
  for (const auto& key : {loam::test::p256(), loam::test::rsa(2048), loam::test::ed25519()}) {
    const Party one = makeParty({.names = std::string("URI:") + kServerId, .key = key}, &root);
    const auto serving =
        contextOf(Context::server({.own = one.credentials(), .roots = {root.certificate}, .library = library()}));
    const auto calling =
        contextOf(Context::client({.own = client.credentials(), .roots = {root.certificate}, .library = library()}));
    const Both both = shake(serving, calling);
    ASSERT_TRUE(both.server && both.client) << both.client.error().describe();
  }
}

}  // namespace
}  // namespace loam::tls
