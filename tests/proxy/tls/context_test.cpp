#include "proxy/tls/context.h"

#include "tests/proxy/tls/tls_fixture.h"

namespace loam::tls {
namespace {

class ContextTest : public TlsFixture {
 protected:
  template <class Made>
  static std::string refusal(const Made& made) {
    EXPECT_FALSE(made);
    if (made) return {};
    EXPECT_EQ(made.error().code, ErrorCode::InvalidArgument);
    return made.error().context;
  }
};

TEST_F(ContextTest, D14_NoSideBelievesEverybody) {
  EXPECT_NE(refusal(Context::client({})).find("roots"), std::string::npos);
  EXPECT_NE(refusal(Context::server({.own = server.credentials()})).find("roots"), std::string::npos);
  EXPECT_TRUE(Context::server({.own = server.credentials(), .client = ClientCertificate::Unwanted}));
  EXPECT_TRUE(Context::client({}, root.certificate.fingerprint()));
}

TEST_F(ContextTest, AServerNeedsACertificateAndItsKey) {
  EXPECT_NE(refusal(Context::server({.roots = {root.certificate}})).find("needs a certificate"), std::string::npos);
  Credentials mixed{{server.certificate}, loam::test::pemOf(client.key)};
  EXPECT_NE(refusal(Context::server({.own = mixed, .roots = {root.certificate}})).find("CN=main"), std::string::npos);
  mixed.keyPem = "nonsense";
  refusal(Context::server({.own = mixed, .roots = {root.certificate}}));
}

TEST_F(ContextTest, D1_OurOwnWeakCertificatesAreRefusedAtOnce) {
  const Party small = makeParty({.key = loam::test::rsa(1024)}, &root);
  EXPECT_NE(refusal(Context::client({.own = small.credentials(), .roots = {root.certificate}})).find("too small"),
            std::string::npos);
}

}  // namespace
}  // namespace loam::tls
