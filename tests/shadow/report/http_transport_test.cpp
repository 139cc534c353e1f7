#include "shadow/report/http_transport.h"

#include <gtest/gtest.h>

#include "proxy/server/current_identity.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_controller.h"

namespace loam::report {
namespace {

using test::TlsController;
using test::trustIn;

class HttpTransportTest : public testing::Test {
 protected:
  void join() {
    const tls::Credentials own = controller.authority().credentials({});
    auto made = server::identityOf({toPem(own.chain), controller.trust()}, own.keyPem, "spiffe://loam/proxy/node-a");
    ASSERT_TRUE(made) << made.error().describe();
    ASSERT_TRUE(identity.use(*made));
  }

  test::TemporaryDirectory directory;
  TlsController controller;
  server::CurrentIdentity identity{server::IdentityFile(directory.path()), "controller"};
  std::unique_ptr<HttpTransport> transport = *HttpTransport::make(controller.target(), identity.securing());
};

TEST_F(HttpTransportTest, ReportsGoOverOneConnectionUnderTheProxysIdentity) {
  join();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(transport->send("{\"n\":" + std::to_string(i) + "}"));
  EXPECT_EQ(controller.heard().reports.size(), 10u);
  EXPECT_EQ(controller.heard().connections, 1u);
}

TEST_F(HttpTransportTest, BeforeThereIsAnIdentityAReportWaits) {
  const Status sent = transport->send("{}");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::Denied);
  join();
  EXPECT_TRUE(transport->send("{}"));
}

TEST_F(HttpTransportTest, ANewIdentityIsANewConnection) {
  join();
  ASSERT_TRUE(transport->send("{}"));
  join();
  ASSERT_TRUE(transport->send("{}"));
  EXPECT_EQ(controller.heard().connections, 2u);
}

TEST_F(HttpTransportTest, OnlyARefusalForGoodLosesTheReport) {
  join();
  for (const int status : {400, 413, 422}) {
    controller.refuse("/v1/reports", status);
    EXPECT_EQ(transport->send("{}").error().code, ErrorCode::InvalidArgument) << status;
  }
  for (const int status : {401, 403, 429, 503, 507}) {
    controller.refuse("/v1/reports", status);
    EXPECT_NE(transport->send("{}").error().code, ErrorCode::InvalidArgument) << status;
  }
}

}  // namespace
}  // namespace loam::report
