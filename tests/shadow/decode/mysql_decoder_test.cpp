#include "shadow/decode/mysql_decoder.h"

#include "tests/shadow/decode/mysql_packets.h"
#include "tests/shadow/decode/transcript.h"

namespace loam::decode::testing {
namespace {

using namespace my;

constexpr unsigned kMore = 0x0008;
constexpr unsigned kCursor = 0x0040;

Transcript loggedIn(std::uint64_t server41, std::uint64_t client41, const Transcript& rest) {
  Transcript all{server(greeting(server41)),
                 client(response(client41)),
                 server(packet(2,
                               "\xfe"
                               "caching_sha2_password")),
                 client(packet(3, std::string(32, 'x'))),
                 server(packet(4, "\1\3")),
                 server(ok(5))};
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

Seen session(const Transcript& rest, std::uint64_t extra = 0) {
  return playedAnyhow(makeMysqlDecoder, loggedIn(kPlain | extra, kPlain | extra, rest));
}

TEST(MysqlDecoderTest, LoginIsNoExchange) { EXPECT_TRUE(session({client(command('\1'))}).log.empty()); }

TEST(MysqlDecoderTest, RefusedLoginIsNoExchange) {
  EXPECT_TRUE(playedAnyhow(makeMysqlDecoder,
                           {server(greeting(kPlain)), client(response(kPlain)), server(err(2, 1045, "28000"))})
                  .log.empty());
  EXPECT_TRUE(playedAnyhow(makeMysqlDecoder, {server(packet(0, "\xff\x6a\x04Host 'x' is not allowed"))}).log.empty());
}

TEST(MysqlDecoderTest, QueriesEndWithOkErrorOrRows) {
  const Seen seen =
      session({client(query("do 1")), server(ok(1)), client(query("selec")), server(err(1)), client(query("select a")),
               server(packet(1, "\1") + definition(2)), server(eof(3) + row(4, "x")), server(eof(5))});
  EXPECT_EQ(seen.log, (std::vector<std::string>{"ok 0 1ms 1ms", "error 42 1ms 1ms", "ok 0 1ms 3ms"}));
}

TEST(MysqlDecoderTest, RowsEndWithOkWhereEofIsDeprecated) {
  const Seen seen = session({client(query("select a")), server(resultSet(3, 2, true)), client(query("select a")),
                             server(packet(1, "\1") + definition(2) + row(3, "x") + err(4, 1317, "70100"))},
                            kDeprecateEof);
  EXPECT_EQ(seen.ok, 1);
  EXPECT_EQ(seen.statuses, std::vector<std::uint16_t>{70});
  EXPECT_EQ(seen.lost, 0);
}

TEST(MysqlDecoderTest, BothMustKnowACapability) {
  const Seen seen = playedAnyhow(makeMysqlDecoder, loggedIn(kPlain, kPlain | kDeprecateEof | kCompress,
                                                            {client(query("select a")), server(resultSet(2))}));
  EXPECT_EQ(seen.ok, 1);
  EXPECT_EQ(seen.lost, 0);
}

TEST(MysqlDecoderTest, SeveralResultsAreOneExchange) {
  for (const bool deprecated : {false, true}) {
    const Seen seen = session({client(query("call p(); select 1")), server(resultSet(1, 2 | kMore, deprecated)),
                               server(ok(1, 2 | kMore)), server(resultSet(2, 2, deprecated)),
                               client(query("select 1; selec")), server(resultSet(1, 2 | kMore, deprecated) + err(9))},
                              deprecated ? kDeprecateEof : 0);
    EXPECT_EQ(seen.log, (std::vector<std::string>{"ok 0 1ms 3ms", "error 42 1ms 1ms"}));
  }
}

TEST(MysqlDecoderTest, PrepareAndExecuteAreOneExchangeEach) {
  for (const bool deprecated : {false, true}) {
    const std::string end = deprecated ? "" : eof(4);
    const std::string prepared = packet(1, '\0' + le(1, 4) + le(1, 2) + le(2, 2) + '\0' + le(0, 2)) + definition(2) +
                                 definition(3) + end + definition(5) + end;
    const Seen seen =
        session({client(prepare()), server(prepared), client(execute()), server(resultSet(2, 2, deprecated)),
                 client(command('\x18', "long data")), client(command('\x19', le(1, 4)) + prepare()), server(err(1))},
                deprecated ? kDeprecateEof : 0);
    EXPECT_EQ(seen.ok, 2);
    EXPECT_EQ(seen.errors, 1);
    EXPECT_EQ(seen.lost, 0);
  }
}

TEST(MysqlDecoderTest, ACursorIsFetchedFrom) {
  const Seen seen =
      session({client(execute()), server(packet(1, "\1") + definition(2) + eof(3, 2 | kCursor)),
               client(command('\x1c', le(1, 4) + le(2, 4))), server(row(1, "a") + row(2, "b") + eof(3, 2 | kCursor)),
               client(command('\x1c', le(1, 4) + le(2, 4))), server(eof(1, 2 | 0x80))});
  EXPECT_EQ(seen.ok, 3);
  EXPECT_EQ(seen.lost, 0);
}

TEST(MysqlDecoderTest, DefinitionsMayBeLeftOut) {
  const std::string bare = packet(1, std::string("\1\0", 2)) + row(2, "x") + okEof(3);
  const std::string full = packet(1, "\1\1") + definition(2) + row(3, "x") + okEof(4);
  const std::string prepared = packet(1, '\0' + le(1, 4) + le(1, 2) + le(0, 2) + '\0' + le(0, 2) + '\0');
  const Seen mysql =
      session({client(query("a")), server(bare), client(query("b")), server(full), client(prepare()), server(prepared)},
              kDeprecateEof | kOptionalMetadata);
  EXPECT_EQ(mysql.ok, 3);
  EXPECT_EQ(mysql.lost, 0);
  const std::uint64_t mariadb = kProtocol41 | kDeprecateEof | kCacheMetadata;
  const Seen cached =
      playedAnyhow(makeMysqlDecoder,
                   loggedIn(mariadb, mariadb, {client(query("a")), server(bare), client(query("b")), server(full)}));
  EXPECT_EQ(cached.ok, 2);
  EXPECT_EQ(cached.lost, 0);
}

TEST(MysqlDecoderTest, AFileOfTheClientIsNoCommand) {
  const Seen seen = session({client(query("load data local infile 'x' into table t")),
                             server(packet(1,
                                           "\xfb"
                                           "x")),
                             client(packet(2, "1,2,3\n") + packet(0, "\3,3,4\n") + packet(1, "")), server(ok(4)),
                             client(query("do 1")), server(ok(1))});
  EXPECT_EQ(seen.log, (std::vector<std::string>{"ok 0 1ms 3ms", "ok 0 1ms 1ms"}));
}

TEST(MysqlDecoderTest, OtherCommandsHaveOneAnswer) {
  const Seen seen =
      session({client(command('\x0e')), server(ok(1)), client(command('\x02', "shop")), server(err(1, 1049)),
               client(command('\x09')), server(packet(1, "Uptime: 3")), client(command('\x1f')), server(ok(1)),
               client(command('\x1b', le(0, 2))), server(eof(1)), client(command('\x04', "t")),
               server(definition(1) + definition(2) + eof(3)), client(command('\x4d')), server(err(1, 1047, "08S01"))});
  EXPECT_EQ(seen.ok, 5);
  EXPECT_EQ(seen.statuses, (std::vector<std::uint16_t>{42, 8}));
  EXPECT_EQ(seen.lost, 0);
}

TEST(MysqlDecoderTest, ChangeUserMayAuthenticateAnew) {
  const Seen seen =
      session({client(command('\x11', "bob")),
               server(packet(1,
                             "\xfe"
                             "mysql_native_password")),
               client(packet(3, std::string(20, 'x'))), server(ok(4)), client(query("do 1")), server(ok(1))});
  EXPECT_EQ(seen.ok, 2);
  EXPECT_EQ(seen.lost, 0);
}

TEST(MysqlDecoderTest, ProgressIsNoError) {
  const Seen seen = session({client(query("alter table t force")),
                             server(packet(1, std::string("\xff\xff\xff\1\1\2\0\0\0\3abc", 13))), server(ok(2))});
  EXPECT_EQ(seen.log, std::vector<std::string>{"ok 0 1ms 2ms"});
}

TEST(MysqlDecoderTest, CommandsMayBePipelined) {
  const Seen seen =
      session({client(prepare() + execute() + query("do 1") + query("do 2")), server(err(1) + err(1) + ok(1) + ok(1))});
  EXPECT_EQ(seen.ok, 2);
  EXPECT_EQ(seen.errors, 2);
}

TEST(MysqlDecoderTest, PacketsOfSixteenMegabytesGoOn) {
  const std::string full = le(0xFFFFFF, 3) + '\4' + std::string(0xFFFFFF, '\xfe');
  const Transcript all =
      loggedIn(kPlain, kPlain,
               {client(le(0xFFFFFF, 3) + '\0' + '\3' + std::string(0xFFFFFE, 'x') + packet(1, "\1x")),
                server(packet(1, "\1") + definition(2) + eof(3) + full +
                       packet(5,
                              "\xfe"
                              "tail") +
                       full + packet(7, "") + eof(8)),
                client(query("do 1")), server(ok(1))});
  for (const std::size_t step : {std::size_t{4096}, std::size_t{1} << 20}) {
    const Seen seen = played(makeMysqlDecoder, all, {step, step == 4096, 0});
    EXPECT_EQ(seen.ok, 2);
    EXPECT_EQ(seen.lost, 0);
  }
}

TEST(MysqlDecoderTest, CompressionIsOpaque) {
  const Seen seen = session({client("xxx"), server("yyy")}, kCompress);
  EXPECT_EQ(seen.log, std::vector<std::string>{"lost ambiguous"});
}

TEST(MysqlDecoderTest, WhatIsOpenAtTheCloseIsIncomplete) {
  EXPECT_EQ(session({client(query("select sleep(9)"))}).incomplete, 1);
  EXPECT_EQ(session({client(query("select a")), server(packet(1, "\1") + definition(2))}).incomplete, 1);
}

TEST(MysqlDecoderTest, AServerMaySayWhyItCloses) {
  const Seen seen = session({server(err(0, 4031, "HY000"))});
  EXPECT_TRUE(seen.log.empty());
}

TEST(MysqlDecoderTest, GarbageLosesItOnce) {
  EXPECT_EQ(session({client(query("x")), server(packet(1, "")), client(query("x"))}).log,
            std::vector<std::string>{"lost malformed"});
  EXPECT_EQ(
      session({client(query("x")), server(packet(1, "\1") + definition(2) + definition(3)), server("rubbish")}).log,
      std::vector<std::string>{"lost malformed"});
  EXPECT_EQ(session({server(ok(1))}).log, std::vector<std::string>{"lost out_of_step"});
  EXPECT_EQ(session({client(packet(7, "\3x"))}).log, std::vector<std::string>{"lost out_of_step"});
  EXPECT_EQ(session({client(command('\xfe'))}).log, std::vector<std::string>{"lost ambiguous"});
}

TEST(MysqlDecoderTest, MatchesGreetingsOfServersOnly) {
  const auto last = [](Direction first, const std::string& bytes) {
    const std::string said = matchEveryPrefix(matchMysql, first, bytes);
    EXPECT_EQ(said.find_first_not_of('N'), said.find_first_of("XY")) << said;
    return said.back();
  };
  EXPECT_EQ(last(Direction::Downstream, greeting(kPlain)), 'Y');
  EXPECT_EQ(last(Direction::Upstream, greeting(kPlain)), 'X');
  EXPECT_EQ(last(Direction::Downstream, packet(0,
                                               "\xff\x10\x04"
                                               "Too many connections")),
            'Y');
  EXPECT_EQ(last(Direction::Downstream, packet(0,
                                               "\xff\x10\x01"
                                               "Too many connections")),
            'X');
  EXPECT_EQ(last(Direction::Downstream, "SSH-2.0-OpenSSH_9.2\r\n"), 'X');
  EXPECT_EQ(last(Direction::Downstream, "220 mail ESMTP\r\n"), 'X');
  EXPECT_EQ(last(Direction::Downstream, packet(0, "\x0a" + std::string(100, '5'))), 'X');
}

}  // namespace
}  // namespace loam::decode::testing
