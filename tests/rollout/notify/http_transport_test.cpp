#include "rollout/notify/http_transport.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "proxy/http/http1_server.h"
#include "proxy/tls/stream.h"
#include "rollout/notify/signature.h"
#include "tests/support/certificates.h"
#include "tests/support/temporary_directory.h"

namespace loam::notify {
namespace {

constexpr const char* kSecret = "a secret of sixteen";

/// A receiver on loopback, plain or over TLS, and the way to it, on one loop.
class HttpTransportTest : public testing::Test {
 protected:
  HttpTransportTest() {
    write("secret", kSecret);
    write("ca.pem", root.certificate.toPem());
  }
  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = directory / name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0600);
    return path;
  }
  void serve(http::Security security = {}) {
    auto listener = io::Listener::bind(*loop, *SocketAddress::parse("127.0.0.1:0"));
    ASSERT_TRUE(listener) << listener.error().describe();
    server = std::make_unique<http::Http1Server>(
        *loop, *std::move(listener), [this](const http::Request& request) { return answerTo(request); },
        http::Http1Limits{}, std::move(security));
  }
  void serveTls(const std::string& names) {
    const test::Party party = test::makeParty({.commonName = "receiver", .names = names, .usage = "serverAuth"}, &root);
    tls::Context::Settings settings;
    settings.own = party.credentials();
    settings.client = tls::ClientCertificate::Unwanted;
    const auto context = tls::Context::server(std::move(settings));
    ASSERT_TRUE(context) << context.error().describe();
    serve({.wrap = tls::asServer([c = *context] { return c; })});
  }
  io::Task<http::Response> answerTo(const http::Request& request) {
    heard.push_back(request);
    co_return answer;
  }
  std::string port() const { return std::to_string(server->address().port); }
  Result<Answer> send(const std::string& url, HostLookup::Resolve resolve = HostLookup::resolveWithSystem) {
    HookSettings settings;
    settings.name = "oncall";
    settings.url = *HookUrl::parse(url);
    settings.secret = kSecret;
    settings.secretFile = directory / "secret";
    settings.caFile = directory / "ca.pem";
    auto made = HttpTransport::make(*loop, std::move(settings), clock, std::move(resolve));
    EXPECT_TRUE(made) << made.error().describe();
    if (!made) return fail(made.error());
    transport = *std::move(made);
    return sendAgain();
  }
  Result<Answer> sendAgain() {
    Result<Answer> out = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(sendInto(*transport, clock.now() + patience, out));
    const Monotonic end = clock.now() + seconds(10);
    while (scope.size() != 0 && clock.now() < end) loop->turn(milliseconds(5));
    return out;
  }
  static io::Task<void> sendInto(Transport& transport, Monotonic deadline, Result<Answer>& out) {
    Post post{"id-1", "proxy.silent", R"({"event":"proxy.silent"})"};
    const Result<Answer> answer = co_await transport.send(std::move(post), deadline);
    out = answer;
  }
  static HostLookup::Resolve to(std::vector<std::string> addresses) {
    return [addresses](const std::string&, std::uint16_t port) -> Result<HostLookup::Addresses> {
      HostLookup::Addresses out;
      for (const std::string& address : addresses) out.push_back({*IpAddress::parse(address), port});
      return out;
    };
  }

  SystemClock clock;
  milliseconds patience{5000};
  std::unique_ptr<io::EventLoop> loop = *io::EventLoop::make(clock);
  const test::TemporaryDirectory directory;
  const test::Party root = test::makeRoot();
  std::vector<http::Request> heard;
  http::Response answer{.status = 200, .body = "thanks"};
  std::unique_ptr<http::Http1Server> server;
  std::unique_ptr<HttpTransport> transport;
};

TEST_F(HttpTransportTest, TheReceiverCanTellWhatItIsAndWhoSentIt) {
  serve();
  const auto taken = send("http://127.0.0.1:" + port() + "/hooks/loam?team=a");
  ASSERT_TRUE(taken) << taken.error().describe();
  EXPECT_EQ(taken->status, 200);
  EXPECT_EQ(taken->says, "thanks");
  ASSERT_EQ(heard.size(), 1u);
  const http::Request& request = heard[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/hooks/loam?team=a");
  EXPECT_EQ(request.header("host"), "127.0.0.1:" + port());
  EXPECT_EQ(request.header("content-type"), "application/json");
  EXPECT_EQ(request.header("user-agent"), "loam-controller/" LOAM_VERSION);
  EXPECT_EQ(request.header("loam-event"), "proxy.silent");
  EXPECT_EQ(request.header("loam-delivery"), "id-1");
  EXPECT_EQ(request.body, R"({"event":"proxy.silent"})");
  const std::string signature(request.header("loam-signature"));
  const std::int64_t signedAt = std::stoll(signature.substr(2));
  EXPECT_LE(std::abs(signedAt - unixSeconds(clock.wall())), 5);
  EXPECT_EQ(signature, signatureOf(kSecret, signedAt, request.body));
}

TEST_F(HttpTransportTest, AnyStatusIsAnAnswer) {
  serve();
  answer = {.status = 503, .body = "later\x1b[31m", .headers = {{"Retry-After", "30"}}};
  const auto busy = send("http://127.0.0.1:" + port());
  ASSERT_TRUE(busy) << busy.error().describe();
  EXPECT_EQ(busy->status, 503);
  EXPECT_EQ(busy->retryAfter, "30");
  EXPECT_EQ(busy->says.find('\x1b'), std::string::npos);
}

TEST_F(HttpTransportTest, C7_ARedirectIsNotFollowed) {
  serve();
  answer = {.status = 307, .headers = {{"Location", "http://127.0.0.1:" + port() + "/elsewhere"}}};
  const auto elsewhere = send("http://127.0.0.1:" + port() + "/here");
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->status, 307);
  EXPECT_EQ(heard.size(), 1u);
}

TEST_F(HttpTransportTest, ALongAnswerIsNotRead) {
  serve();
  answer.body = std::string(8 * 1024 * 1024, 'x');
  const auto taken = send("http://127.0.0.1:" + port());
  ASSERT_TRUE(taken) << taken.error().describe();
  EXPECT_EQ(taken->status, 200);
  EXPECT_EQ(taken->says, "");
}

TEST_F(HttpTransportTest, C7_ANameThatLeadsToThisHostOrToCredentialsIsNotFollowed) {
  serve();
  for (const char* address : {"127.0.0.1", "::1", "169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1"}) {
    const auto refused = send("http://oncall.example:" + port() + "/", to({address}));
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().code, ErrorCode::Denied);
    EXPECT_NE(refused.error().context.find(address), std::string::npos) << refused.error().context;
    EXPECT_NE(refused.error().context.find("never called"), std::string::npos) << refused.error().context;
  }
  EXPECT_EQ(server->counters().connections, 0u);
  EXPECT_TRUE(send("http://localhost:" + port() + "/")) << "that is what was meant";
}

TEST_F(HttpTransportTest, C7_TheAddressIsLookedAtEachTime) {
  serve();
  bool rebound = false;
  const auto resolve = [&rebound](const std::string&, std::uint16_t port) -> Result<HostLookup::Addresses> {
    const char* const address = rebound ? "169.254.169.254" : "127.0.0.1";
    return HostLookup::Addresses{{*IpAddress::parse(address), port}};
  };
  ASSERT_TRUE(send("http://localhost:" + port() + "/", resolve));
  rebound = true;
  const auto refused = sendAgain();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Denied);
}

TEST_F(HttpTransportTest, TheNextAddressIsTriedWhereOneIsRefused) {
  serve();
  EXPECT_TRUE(send("http://localhost:" + port() + "/", to({"169.254.0.1", "127.0.0.2", "127.0.0.1"})));
  EXPECT_EQ(heard.size(), 1u);
}

TEST_F(HttpTransportTest, WhoDoesNotAnswerIsNotWaitedForLong) {
  const Descriptor deaf(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  socklen_t length = SocketAddress::parse("127.0.0.1:0")->to(storage);
  ASSERT_EQ(::bind(deaf.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
  ASSERT_EQ(::listen(deaf.get(), 1), 0);
  ASSERT_EQ(::getsockname(deaf.get(), reinterpret_cast<sockaddr*>(&storage), &length), 0);
  patience = milliseconds(100);
  const auto late = send("http://" + SocketAddress::from(storage).text() + "/s3cr3t?s3cr3t");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::Timeout) << late.error().describe();
  EXPECT_EQ(late.error().context.find("s3cr3t"), std::string::npos) << late.error().context;
}

TEST_F(HttpTransportTest, NobodyThereIsSaid) {
  serve();
  const std::string url = "http://127.0.0.1:" + port() + "/";
  server.reset();
  const auto nobody = send(url);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::Refused);
  EXPECT_NE(nobody.error().context.find("127.0.0.1:"), std::string::npos) << nobody.error().context;
}

TEST_F(HttpTransportTest, OverTlsTheReceiverProvesItsName) {
  serveTls("DNS:localhost,IP:127.0.0.1");
  EXPECT_TRUE(send("https://localhost:" + port() + "/"));
  EXPECT_TRUE(send("https://127.0.0.1:" + port() + "/"));
  EXPECT_EQ(heard.size(), 2u);
  serveTls("DNS:other.example");
  const auto refused = send("https://localhost:" + port() + "/");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Denied);
  EXPECT_NE(refused.error().context.find("is not for localhost"), std::string::npos) << refused.error().context;
  EXPECT_EQ(heard.size(), 2u) << "not a byte of it was sent";
}

TEST_F(HttpTransportTest, OnlyItsOwnAuthoritiesVouchForIt) {
  const test::Party other = test::makeRoot("another root");
  write("ca.pem", other.certificate.toPem());
  serveTls("DNS:localhost");
  const auto refused = send("https://localhost:" + port() + "/");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Denied) << refused.error().describe();
}

TEST_F(HttpTransportTest, NewFilesAreUsedAfterAReload) {
  serve();
  ASSERT_TRUE(send("http://127.0.0.1:" + port()));
  write("secret", "another secret of some length");
  ASSERT_TRUE(transport->reload());
  ASSERT_TRUE(sendAgain());
  const std::string signature(heard.back().header("loam-signature"));
  EXPECT_EQ(signature, signatureOf("another secret of some length", std::stoll(signature.substr(2)), heard[0].body));
  write("secret", "short");
  EXPECT_FALSE(transport->reload());
  ASSERT_TRUE(sendAgain());
  const std::string last(heard.back().header("loam-signature"));
  EXPECT_EQ(last, signatureOf("another secret of some length", std::stoll(last.substr(2)), heard[0].body));
}

}  // namespace
}  // namespace loam::notify
