#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proxy/io/dial.h"
#include "proxy/io/listener.h"
#include "tests/proxy/tls/tls_fixture.h"

namespace loam::tls {
namespace {

constexpr const char* kOpenssl = "/usr/bin/openssl";

/// The openssl program with its stdin and stdout in our hands.
class Openssl {
 public:
  explicit Openssl(std::vector<std::string> arguments) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    EXPECT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC | O_NONBLOCK), 0);
    std::vector<char*> argv;
    arguments.insert(arguments.begin(), "openssl");
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::dup2(out[1], 2);
      ::execv(kOpenssl, argv.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = Descriptor(in[1]);
    out_ = Descriptor(out[0]);
  }
  ~Openssl() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Openssl(const Openssl&) = delete;
  Openssl& operator=(const Openssl&) = delete;

  void say(std::string_view text) const {
    EXPECT_EQ(::write(in_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  const std::string& heard() {
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(out_.get(), bytes, sizeof bytes)) > 0;) {
      heard_.append(bytes, static_cast<std::size_t>(n));
    }
    return heard_;
  }

 private:
  pid_t pid_ = -1;
  Descriptor in_;
  Descriptor out_;
  std::string heard_;
};

class InteropTest : public TlsFixture {
 protected:
  void SetUp() override {
    if (::access(kOpenssl, X_OK) != 0) GTEST_SKIP() << "no openssl program here";
    directory = std::filesystem::temp_directory_path() / ("loam-tls-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    write("root.pem", root.certificate.toPem());
    write("client.pem", client.certificate.toPem());
    write("client.key", loam::test::pemOf(client.key));
    write("server.pem", server.certificate.toPem());
    write("server.key", loam::test::pemOf(server.key));
  }
  void TearDown() override {
    std::error_code ignored;
    if (!directory.empty()) std::filesystem::remove_all(directory, ignored);
  }
  void write(const char* name, const std::string& text) const { std::ofstream(directory / name) << text; }
  std::string file(const char* name) const { return (directory / name).string(); }

  static io::Task<void> acceptOne(io::Listener& listener, std::shared_ptr<const Context> context, io::EventLoop& loop,
                                  Monotonic deadline, Opened& out) {
    auto accepted = co_await listener.accept();
    if (!accepted) co_return;
    auto socket = io::Socket::adopt(loop, std::move(accepted->fd));
    out = co_await Stream::accept(std::move(context), *std::move(socket), deadline);
  }
  static io::Task<void> dialOnce(io::EventLoop& loop, SocketAddress address, std::shared_ptr<const Context> context,
                                 Monotonic deadline, Opened& out) {
    io::DialOptions options;
    options.destination = address;
    auto socket = co_await io::dial(loop, options, deadline);
    if (!socket) {
      out = fail(socket.error());
      co_return;
    }
    out = co_await Stream::connect(std::move(context), *std::move(socket), kServerId, deadline);
  }

  std::filesystem::path directory;
};

TEST_F(InteropTest, OpensslsClientTalksToOurServer) {
  auto listener = io::Listener::bind(*loop, *SocketAddress::parse("127.0.0.1:0"));
  ASSERT_TRUE(listener);
  Opened opened = fail(ErrorCode::Io, "never ended");
  io::TaskScope scope;
  scope.spawn(acceptOne(**listener, serverContext(), *loop, soon(), opened));
  Openssl peer({"s_client", "-connect", (*listener)->address().text(), "-CAfile", file("root.pem"), "-cert",
                file("client.pem"), "-key", file("client.key"), "-verify_return_error", "-quiet"});
  turnUntil([&] { return scope.size() == 0; });
  ASSERT_TRUE(opened) << opened.error().describe() << peer.heard();
  EXPECT_EQ((*opened)->peerIdentity().id, kClientId);
  peer.say("from openssl\n");
  std::string read;
  Status status;
  Status written;
  scope.spawn(readInto(**opened, read, status, soon(), 13));
  scope.spawn(writeFrom(**opened, "from loam\n", written, soon()));
  turnUntil([&] { return scope.size() == 0 && peer.heard().find("from loam") != std::string::npos; });
  EXPECT_EQ(read, "from openssl\n");
  EXPECT_NE(peer.heard().find("from loam"), std::string::npos) << peer.heard();
}

TEST_F(InteropTest, OurClientTalksToOpensslsServer) {
  auto listener = io::Listener::bind(*loop, *SocketAddress::parse("127.0.0.1:0"));
  ASSERT_TRUE(listener);
  const SocketAddress address = (*listener)->address();
  listener->reset();  // its port is free again
  Openssl peer({"s_server", "-accept", std::to_string(address.port), "-4", "-cert", file("server.pem"), "-key",
                file("server.key"), "-CAfile", file("root.pem"), "-Verify", "2", "-verify_return_error", "-tls1_3"});
  Opened opened = fail(ErrorCode::Io, "never ended");
  io::TaskScope scope;
  turnUntil([&] {
    const bool refused = !opened && opened.error().code == ErrorCode::Refused;
    if (scope.size() == 0 && (refused || peer.heard().find("ACCEPT") != std::string::npos) && !opened) {
      scope.spawn(dialOnce(*loop, address, clientContext(), soon(), opened));
    }
    return bool(opened);
  });
  ASSERT_TRUE(opened) << opened.error().describe() << peer.heard();
  Status written;
  Status status;
  std::string read;
  scope.spawn(writeFrom(**opened, "from loam\n", written, soon()));
  peer.say("from openssl\n");
  scope.spawn(readInto(**opened, read, status, soon(), 13));
  turnUntil([&] { return scope.size() == 0 && peer.heard().find("from loam") != std::string::npos; });
  EXPECT_EQ(read, "from openssl\n") << peer.heard();
  EXPECT_NE(peer.heard().find("from loam"), std::string::npos) << peer.heard();
}

}  // namespace
}  // namespace loam::tls
