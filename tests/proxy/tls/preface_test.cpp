#include "proxy/tls/preface.h"

#include "tests/proxy/tls/tls_fixture.h"

namespace loam::tls {
namespace {

SocketAddress at(const char* text) { return *SocketAddress::parse(text); }

class PrefaceTest : public TlsFixture {
 protected:
  /// What the callee reads of `bytes`, written in pieces of `piece`; an end follows.
  Result<Preface> read(const std::string& bytes, std::size_t piece) {
    Both both = shake(serverContext(), clientContext());
    Result<Preface> read = fail(ErrorCode::Io, "never ended");
    io::TaskScope scope;
    scope.spawn(readInto(**both.server, read));
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      Status written;
      io::TaskScope writing;
      writing.spawn(writeFrom(**both.client, bytes.substr(at, piece), written, soon()));
      turnUntil([&] { return writing.size() == 0; });
    }
    (*both.client)->endWriting();
    turnUntil([&] { return scope.size() == 0; });
    return read;
  }
  static io::Task<void> readInto(Stream& stream, Result<Preface>& out) {
    const Monotonic deadline = stream.loop().clock().now() + seconds(8);
    out = co_await readPreface(stream, deadline);
  }
  static io::Task<void> askInto(Stream& stream, Preface preface, Result<Answer>& out) {
    const Monotonic deadline = stream.loop().clock().now() + seconds(8);
    out = co_await ask(stream, preface, deadline);
  }
};

TEST_F(PrefaceTest, ReadsBackWhatItWroteAtAnySegmentation) {
  for (const Preface& preface :
       {Preface{at("10.0.0.1:40000"), at("10.0.0.2:5432"), false}, Preface{at("10.0.0.1:0"), at("10.0.0.2:80"), true},
        Preface{at("[2001:db8::1]:9"), at("[2001:db8::2]:443"), false},
        Preface{at("10.0.0.1:40000"), at("[2001:db8::2]:443"), true}}) {
    for (const std::size_t piece : {1, 7, 1000}) {
      const auto read = this->read(encode(preface), piece);
      ASSERT_TRUE(read) << read.error().describe();
      EXPECT_EQ(*read, preface);
    }
  }
}

TEST_F(PrefaceTest, IsWhatProxyProtocolVersionTwoSays) {
  const std::string bytes = encode({at("192.0.2.1:258"), at("198.51.100.7:80"), false});
  EXPECT_EQ(bytes, std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x07\x01\x02\0\x50", 28));
}

TEST_F(PrefaceTest, LeavesWhatFollowsToTheApplication) {
  Both both = shake(serverContext(), clientContext());
  const Preface preface{at("10.0.0.1:1"), at("10.0.0.2:2"), false};
  Status written;
  Result<Preface> read = fail(ErrorCode::Io, "never ended");
  std::string rest;
  Status status;
  io::TaskScope scope;
  scope.spawn(writeFrom(**both.client, encode(preface) + "hello", written, soon()));
  scope.spawn(readInto(**both.server, read));
  turnUntil([&] { return scope.size() == 0; });
  ASSERT_TRUE(read);
  scope.spawn(loam::tls::readInto(**both.server, rest, status, soon(), 5));
  turnUntil([&] { return scope.size() == 0; });
  EXPECT_EQ(rest, "hello");
}

TEST_F(PrefaceTest, RefusesWhatIsNone) {
  const std::string good = encode({at("10.0.0.1:1"), at("10.0.0.2:2"), true});
  const auto with = [&](std::size_t at, char byte) {
    std::string bytes = good;
    bytes[at] = byte;
    return bytes;
  };
  EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 100).error().code, ErrorCode::Protocol);
  EXPECT_EQ(read(with(12, 0x20), 100).error().code, ErrorCode::Protocol) << "LOCAL";
  EXPECT_EQ(read(with(12, 0x11), 100).error().code, ErrorCode::Protocol) << "version 1";
  EXPECT_EQ(read(with(13, 0x31), 100).error().code, ErrorCode::Protocol) << "a Unix socket";
  EXPECT_EQ(read(with(13, 0x12), 100).error().code, ErrorCode::Protocol) << "UDP";
  EXPECT_EQ(read(with(14, 0x7f), 100).error().code, ErrorCode::Protocol) << "far too long";
  EXPECT_EQ(read(with(15, 0x0b), 100).error().code, ErrorCode::Protocol) << "too short for its addresses";
  EXPECT_EQ(read(with(15, 0x0d), 100).error().code, ErrorCode::Protocol) << "an extension that is cut";
  EXPECT_EQ(read(with(27, 0), 100).error().code, ErrorCode::Protocol) << "no port";
  for (std::size_t cut = 0; cut < good.size(); ++cut) EXPECT_FALSE(read(good.substr(0, cut), 100)) << cut;
}

TEST_F(PrefaceTest, AsksAndHearsTheAnswer) {
  for (const int answer : {0, 1, 5, 6, 255}) {
    Both both = shake(serverContext(), clientContext());
    Result<Answer> heard = fail(ErrorCode::Io, "never ended");
    Status written;
    io::TaskScope scope;
    scope.spawn(askInto(**both.client, {at("10.0.0.1:1"), at("10.0.0.2:2"), false}, heard));
    scope.spawn(writeFrom(**both.server, std::string(1, static_cast<char>(answer)), written, soon()));
    turnUntil([&] { return scope.size() == 0; });
    ASSERT_EQ(heard.has_value(), answer <= 5) << answer;
    if (heard) {
      EXPECT_EQ(static_cast<int>(*heard), answer);
    } else {
      EXPECT_EQ(heard.error().code, ErrorCode::Protocol);
    }
  }
}

TEST_F(PrefaceTest, HearsThatItsCertificateWasRefused) {
  const Party stranger = makeParty({}, nullptr);
  const auto context = contextOf(Context::client({.own = stranger.credentials(), .roots = {root.certificate}}));
  auto [near, far] = ends();
  Both both;
  io::TaskScope scope;
  scope.spawn(acceptInto(serverContext(), std::move(near), soon(), both.server));
  scope.spawn(connectInto(context, *io::Socket::adopt(*loop, std::move(far)), kServerId, soon(), both.client));
  turnUntil([&] { return both.client.has_value(); });
  ASSERT_TRUE(both.client);
  Result<Answer> heard = fail(ErrorCode::Io, "never ended");
  scope.spawn(askInto(**both.client, {at("10.0.0.1:1"), at("10.0.0.2:2"), false}, heard));
  turnUntil([&] { return scope.size() == 0; });
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error().code, ErrorCode::Denied) << heard.error().describe();
  EXPECT_EQ((*both.client)->alert(), 48) << "unknown_ca";
}

}  // namespace
}  // namespace loam::tls
