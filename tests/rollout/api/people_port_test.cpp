#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "proxy/tls/named_server.h"
#include "proxy/tls/stream.h"
#include "tests/rollout/api/api_fixture.h"
#include "tests/support/certificates.h"

namespace loam {
namespace {

/// A controller whose port other hosts reach: here at all addresses, asked over loopback's second one.
class PeoplePortTest : public ControllerFixture {
 protected:
  void SetUp() override {
    ControllerFixture::SetUp();
    admin = secretOf("root-ci", "admin");
    write(directory / "root.pem", root.certificate.toPem());
    install(first);
  }
  void write(const std::filesystem::path& path, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }
  void install(const test::Party& party) const {
    write(directory / "key.pem", test::pemOf(party.key));
    write(directory / "certificate.pem", party.certificate.toPem());
  }
  test::Party partyFor(const std::string& names) const {
    return test::makeParty({.commonName = "controller", .names = names, .usage = "serverAuth"}, &root);
  }
  void openToAll() {
    stop();
    settings.listen = *SocketAddress::parse("0.0.0.0:0");
    settings.tls = controller::TlsFiles{directory / "certificate.pem", directory / "key.pem"};
    start();
    port = served->api().address(1);
    port.ip = *IpAddress::parse("127.0.0.2");
  }
  /// Asks by that name, which the certificate has to be good for.
  Result<http::Response> ask(const std::string& name, http::Request request, const std::string& host = "") const {
    const auto context = tls::clientOf(name, directory / "root.pem");
    EXPECT_TRUE(context) << context.error().describe();
    http::Target target{.socketPath = {}, .address = port, .host = host.empty() ? name : host};
    return http::fetchAndWait(target, std::move(request), seconds(20), tls::asClient(*context, ""));
  }
  http::Request withToken(const std::string& path) const {
    return {.target = path, .headers = {{"Authorization", "Bearer " + admin}}};
  }
  Result<std::unique_ptr<controller::Controller>> make() {
    return controller::Controller::make(settings, {*store, *ledger, *journal}, clock, log);
  }

  const test::Party root = test::makeRoot();
  const test::Party first = partyFor("DNS:loam.example,IP:127.0.0.2");
  std::string admin;
  SocketAddress port;
};

TEST_F(PeoplePortTest, OtherHostsComeOverTlsAndWithAToken) {
  openToAll();
  const auto answer = ask("loam.example", withToken("/v1/whoami"));
  ASSERT_TRUE(answer) << answer.error().describe();
  EXPECT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(ask("127.0.0.2", withToken("/v1/whoami"))->status, 200);
  EXPECT_EQ(ask("loam.example", {.target = "/v1/whoami"})->status, 401);
  const auto plain = http::fetchAndWait({.socketPath = {}, .address = port}, withToken("/v1/whoami"), seconds(5));
  EXPECT_FALSE(plain && plain->status == 200) << "never without TLS";
}

TEST_F(PeoplePortTest, AClientBelievesOnlyTheNameThatItAskedFor) {
  openToAll();
  const auto other = ask("other.example", withToken("/v1/whoami"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::Denied);
  EXPECT_NE(other.error().context.find("is not for other.example"), std::string::npos) << other.error().context;
}

TEST_F(PeoplePortTest, E4_ItGoesByTheNamesOfItsCertificateAndThoseItIsTold) {
  settings.names = {"mesh.internal"};
  openToAll();
  EXPECT_EQ(ask("loam.example", withToken("/healthz"), "loam.example:7400")->status, 200);
  EXPECT_EQ(ask("loam.example", withToken("/healthz"), "mesh.internal")->status, 200);
  EXPECT_EQ(ask("loam.example", withToken("/healthz"), "localhost:1")->status, 200);
  EXPECT_EQ(ask("loam.example", withToken("/healthz"), "evil.example")->status, 421);
}

TEST_F(PeoplePortTest, ANewCertificateIsShownWithoutARestart) {
  openToAll();
  install(partyFor("DNS:new.example"));
  served->reload();
  bool shown = false;
  for (int i = 0; i < 500 && !shown; ++i) {
    shown = ask("new.example", withToken("/healthz")).has_value();
    if (!shown) std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_TRUE(shown);
}

TEST_F(PeoplePortTest, WhatCannotBeUsedDoesNotReplaceWhatCan) {
  auto certificate = controller::ServerCertificate::load({directory / "certificate.pem", directory / "key.pem"});
  ASSERT_TRUE(certificate) << certificate.error().describe();
  Log quiet(LogLevel::Error, -1);
  write(directory / "certificate.pem", "no certificate");
  (*certificate)->refresh(quiet);
  EXPECT_TRUE((*certificate)->isFor("loam.example:7400"));
  install(partyFor("DNS:new.example,DNS:*.mesh.example,IP:::1"));
  (*certificate)->refresh(quiet);
  EXPECT_FALSE((*certificate)->isFor("loam.example"));
  for (const char* host : {"new.example", "new.example:1", "a.mesh.example", "[::1]:7400"}) {
    EXPECT_TRUE((*certificate)->isFor(host)) << host;
  }
  for (const char* host : {"", ":", "mesh.example", "new.example.evil", "[::2]"}) {
    EXPECT_FALSE((*certificate)->isFor(host)) << host;
  }
}

TEST_F(PeoplePortTest, ItIsNotOpenedBeforeThereIsAnAdmin) {
  ASSERT_EQ(
      send({.method = "DELETE", .target = "/v1/tokens/" + json("/v1/tokens")["tokens"][0]["id"].asString()}).status,
      204);
  served->stop();
  thread.join();
  served.reset();
  settings.socket = (directory / "second.sock").string();
  settings.listen = *SocketAddress::parse("0.0.0.0:0");
  settings.tls = controller::TlsFiles{directory / "certificate.pem", directory / "key.pem"};
  const auto refused = make();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Denied);
  EXPECT_NE(refused.error().context.find("loam token create"), std::string::npos) << refused.error().context;
}

TEST_F(PeoplePortTest, WhatIsWrongWithItsFilesIsSaid) {
  served->stop();
  thread.join();
  served.reset();
  settings.listen = *SocketAddress::parse("127.0.0.1:0");
  settings.tls = controller::TlsFiles{directory / "nothing.pem", directory / "key.pem"};
  EXPECT_NE(make().error().context.find("nothing.pem"), std::string::npos);
  settings.tls = controller::TlsFiles{directory / "certificate.pem", directory / "key.pem"};
  ::chmod((directory / "key.pem").c_str(), 0604);
  EXPECT_NE(make().error().context.find("key.pem"), std::string::npos) << "the world may read it";
  ::chmod((directory / "key.pem").c_str(), 0640);
  EXPECT_TRUE(make());
  write(directory / "key.pem", test::pemOf(test::p256()));
  EXPECT_NE(make().error().context.find("certificate.pem"), std::string::npos) << "the key of another";
}

}  // namespace
}  // namespace loam
