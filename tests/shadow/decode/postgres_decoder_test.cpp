#include "shadow/decode/postgres_decoder.h"

#include "tests/shadow/decode/postgres_messages.h"
#include "tests/shadow/decode/transcript.h"

namespace loam::decode::testing {
namespace {

using namespace pg;

/// A session that logged in, then `rest`.
Seen session(Transcript rest) {
  Transcript all{client(startup()), server(message('R', be32(10) + "SCRAM-SHA-256")), client(message('p', "n,,n=ann")),
                 server(welcome())};
  all.insert(all.end(), rest.begin(), rest.end());
  return playedAnyhow(makePostgresDecoder, all);
}

const std::string kBatch = parse() + bind() + describe() + execute();
const std::string kAnswer = message('1') + message('2') + message('T', "xx") + row("1") + done();

TEST(PostgresDecoderTest, LoginIsNoExchange) { EXPECT_TRUE(session({client(message('X'))}).log.empty()); }

TEST(PostgresDecoderTest, FailedLoginIsNoExchange) {
  const Seen seen = playedAnyhow(makePostgresDecoder, {client(startup()), server(error("28P01", "FATAL"))});
  EXPECT_TRUE(seen.log.empty());
}

TEST(PostgresDecoderTest, OneQueryWithSeveralStatementsIsOneExchange) {
  const Seen seen =
      session({client(query("select 1; select 2")), server(row("1") + done()), server(row("2") + done() + ready())});
  EXPECT_EQ(seen.log, std::vector<std::string>{"ok 0 1ms 2ms"});
}

TEST(PostgresDecoderTest, ErrorOfASimpleQueryCarriesItsClass) {
  const Seen seen = session({client(query("select nothing")), server(error("42P01") + ready()), client(query("")),
                             server(message('I') + ready()), client(query("select 1/0")),
                             server(notice() + error("XX000") + ready('E'))});
  EXPECT_EQ(seen.ok, 1);
  EXPECT_EQ(seen.statuses, (std::vector<std::uint16_t>{42, 2221}));
  EXPECT_EQ(seen.lost, 0);
}

TEST(PostgresDecoderTest, EachExecuteIsAnExchange) {
  const Seen seen = session({client(kBatch + sync()), server(kAnswer + ready()), client(kBatch + kBatch + sync()),
                             server(kAnswer + kAnswer + ready())});
  EXPECT_EQ(seen.ok, 3);
  EXPECT_EQ(seen.log.size(), 3u);
}

TEST(PostgresDecoderTest, PreparingAloneIsNoExchange) {
  const Seen seen =
      session({client(parse() + describe() + sync()), server(message('1') + message('t') + message('n') + ready()),
               client(parse() + sync()), server(error("42601") + ready()), client(bind() + execute() + sync()),
               server(message('2') + done() + ready())});
  EXPECT_EQ(seen.log, std::vector<std::string>{"ok 0 1ms 1ms"});
}

TEST(PostgresDecoderTest, ExecutesThatTheServerSkipsAreErrors) {
  const Seen seen = session({client(kBatch + kBatch + kBatch + sync() + kBatch + sync()),
                             server(kAnswer + error("22012") + ready() + kAnswer + ready())});
  EXPECT_EQ(seen.ok, 2);
  EXPECT_EQ(seen.errors, 2);
  EXPECT_EQ(seen.statuses, (std::vector<std::uint16_t>{22, 22}));
  EXPECT_EQ(seen.lost, 0);
}

TEST(PostgresDecoderTest, WhatIsSentAfterTheErrorOfABatchIsSkippedToo) {
  const Seen seen = session({client(kBatch + flush()), server(error("22012")), client(kBatch), client(sync()),
                             server(ready()), client(query("select 1")), server(done() + ready())});
  EXPECT_EQ(seen.errors, 2);
  EXPECT_EQ(seen.ok, 1);
  EXPECT_EQ(seen.lost, 0);
}

TEST(PostgresDecoderTest, PipelinedBatchesKeepTheirOrder) {
  Transcript rest;
  std::string requests;
  std::string answers;
  for (int i = 0; i < 300; ++i) {
    requests += kBatch + sync();
    answers += (i % 10 == 3 ? error("23505") : kAnswer) + ready();
  }
  const Seen seen = session({client(requests), server(answers)});
  EXPECT_EQ(seen.ok, 270);
  EXPECT_EQ(seen.errors, 30);
  EXPECT_EQ(seen.lost, 0);
}

TEST(PostgresDecoderTest, AThousandPiecesInFlightAreStillCounted) {
  Transcript all{client(startup()), server(welcome())};
  for (int i = 0; i < 3000; ++i) all.push_back(client(bind() + execute() + sync()));
  for (int i = 0; i < 3000; ++i) all.push_back(server(message('2') + done() + ready()));
  const Seen seen = played(makePostgresDecoder, all);
  EXPECT_EQ(seen.ok, 3000);
  EXPECT_EQ(seen.lost, 0);
}

TEST(PostgresDecoderTest, SuspendedPortalIsOneExchangeAFetch) {
  const Seen seen = session({client(parse() + bind() + execute() + flush()),
                             server(message('1') + message('2') + row("1") + message('s')), client(execute() + sync()),
                             server(row("2") + done() + ready())});
  EXPECT_EQ(seen.ok, 2);
  EXPECT_EQ(seen.lost, 0);
}

TEST(PostgresDecoderTest, CopyOfASimpleQueryEndsAtItsReady) {
  const Seen seen = session({client(query("copy t from stdin")), server(message('G', std::string("\0\0\1\0\0", 5))),
                             client(message('d', "1\n") + message('d', "2\n") + message('c')),
                             server(done("COPY 2") + ready()), client(query("copy t to stdout")),
                             server(message('H', std::string("\0\0\1\0\0", 5)) + message('d', "1\n") + message('c') +
                                    done("COPY 1") + ready())});
  EXPECT_EQ(seen.ok, 2);
  EXPECT_EQ(seen.log[0], "ok 0 1ms 3ms");
}

TEST(PostgresDecoderTest, SyncIsIgnoredWhileAnExecuteCopiesIn) {
  const std::string in = message('G', std::string("\0\0\1\0\0", 5));
  const Seen seen = session({client(kBatch + sync()), server(message('1') + message('2') + message('n') + in),
                             client(message('d', "1\n") + message('c') + sync()), server(done("COPY 1") + ready()),
                             client(kBatch + sync()), server(message('1') + message('2') + in),
                             client(message('d', "x\n")), server(error("22P02")), client(message('f', "no") + sync()),
                             server(ready()), client(query("select 1")), server(done() + ready())});
  EXPECT_EQ(seen.ok, 2);
  EXPECT_EQ(seen.statuses, std::vector<std::uint16_t>{22});
  EXPECT_EQ(seen.lost, 0);
}

TEST(PostgresDecoderTest, WhatTheServerSaysUnaskedIsNoAnswer) {
  const Seen seen = session({server(notice() + message('A', "xxxxchan")), client(query("select 1")), server(notice()),
                             server(message('S', "a")), server(done() + ready()), server(notice())});
  EXPECT_EQ(seen.log, std::vector<std::string>{"ok 0 3ms 3ms"});
}

TEST(PostgresDecoderTest, FunctionCallIsOneExchange) {
  const Seen seen = session({client(message('F', "xx")), server(message('V', be32(0)) + ready())});
  EXPECT_EQ(seen.ok, 1);
}

TEST(PostgresDecoderTest, FatalErrorEndsTheExchangeInError) {
  EXPECT_EQ(session({client(query("select 1")), server(error("57P01", "FATAL"))}).log,
            std::vector<std::string>{"error 57 1ms 2ms"});
  EXPECT_TRUE(session({server(error("57P01", "FATAL"))}).log.empty());
}

TEST(PostgresDecoderTest, WhatIsOpenAtTheCloseIsIncomplete) {
  EXPECT_EQ(session({client(query("select 1")), server(row("1"))}).incomplete, 1);
  EXPECT_EQ(session({client(kBatch + kBatch + sync() + kBatch + sync()), server(kAnswer)}).incomplete, 2);
}

TEST(PostgresDecoderTest, TalksPlainlyAfterARefusedEncryption) {
  const Seen seen = playedAnyhow(
      makePostgresDecoder, {client(gssRequest()), server("N"), client(sslRequest()), server("N"), client(startup()),
                            server(welcome()), client(query("x")), server(done() + ready())});
  EXPECT_EQ(seen.ok, 1);
}

TEST(PostgresDecoderTest, IsOpaqueInsideGssEncryption) {
  const Seen seen =
      playedAnyhow(makePostgresDecoder, {client(gssRequest()), server("G"), client("\1\2\3"), server("\4\5")});
  EXPECT_TRUE(seen.log.empty());
}

TEST(PostgresDecoderTest, CancelRequestIsNoExchange) {
  EXPECT_TRUE(playedAnyhow(makePostgresDecoder, {client(cancelRequest())}).log.empty());
}

TEST(PostgresDecoderTest, BulkNeedsNoLook) {
  Seen seen;
  const auto decoder = makePostgresDecoder(seen, {});
  const auto feed = [&](Direction direction, const std::string& bytes) {
    return decoder->feed(direction, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, {});
  };
  feed(Direction::Upstream, startup());
  feed(Direction::Downstream, welcome());
  feed(Direction::Upstream, query("select pg_read_file('big')"));
  const std::uint64_t unseen = feed(Direction::Downstream, "D" + be32(100'000'004) + "abc");
  EXPECT_EQ(unseen, 100'000'000u - 3);
  decoder->skip(Direction::Downstream, unseen, {});
  feed(Direction::Downstream, done() + ready());
  EXPECT_EQ(seen.ok, 1);
}

TEST(PostgresDecoderTest, GarbageLosesItOnce) {
  for (const std::string& bytes : {std::string("?????"), std::string("D\0\0\0\1", 5), std::string("D\x7f\0\0\1", 5)}) {
    const Seen seen = session({client(query("x")), server(bytes + bytes), client(query("x")), server(ready())});
    EXPECT_EQ(seen.log, std::vector<std::string>{"lost malformed"});
  }
}

TEST(PostgresDecoderTest, AnAnswerThatNobodyAskedForLosesIt) {
  EXPECT_EQ(session({server(ready())}).log, std::vector<std::string>{"lost out_of_step"});
  EXPECT_EQ(session({server(done())}).log, std::vector<std::string>{"lost out_of_step"});
  EXPECT_EQ(session({client(kBatch + sync()), server(ready())}).log, std::vector<std::string>{"lost out_of_step"});
}

TEST(PostgresDecoderTest, MatchesOpeningsOfClientsOnly) {
  const auto last = [](Direction first, const std::string& bytes) {
    const std::string said = matchEveryPrefix(matchPostgres, first, bytes);
    EXPECT_EQ(said.find_first_not_of('N'), said.find_first_of("XY")) << said;
    return said.back();
  };
  for (const std::string& opening : {startup(), sslRequest(), gssRequest(), cancelRequest()}) {
    EXPECT_EQ(last(Direction::Upstream, opening), 'Y');
    EXPECT_EQ(last(Direction::Downstream, opening), 'X');
  }
  EXPECT_EQ(last(Direction::Upstream, "GET / HTTP/1.1\r\n"), 'X');
  EXPECT_EQ(last(Direction::Upstream, untyped(0x00020000, "user")), 'X');
  const std::string kafkaMetadata("\0\0\0\x16\0\3\0\1\0\0\0\1\0\4test", 18);
  EXPECT_EQ(last(Direction::Upstream, kafkaMetadata), 'X');
}

}  // namespace
}  // namespace loam::decode::testing
