#include "shadow/decode/redis_decoder.h"

#include <initializer_list>

#include "tests/shadow/decode/transcript.h"

namespace loam::decode::testing {
namespace {

std::string bulk(const std::string& value) { return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n"; }

std::string array(std::initializer_list<std::string> words, char type = '*') {
  std::string bytes = type + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) bytes += bulk(word);
  return bytes;
}

std::string command(std::initializer_list<std::string> words) { return array(words); }

std::string confirmation(const std::string& kind, const std::string& channel, int left, char type = '*') {
  return type + std::string("3\r\n") + bulk(kind) + bulk(channel) + ":" + std::to_string(left) + "\r\n";
}

Seen session(const Transcript& transcript) { return playedAnyhow(makeRedisDecoder, transcript); }

TEST(RedisDecoderTest, OneCommandIsOneExchange) {
  const Seen seen =
      session({client(command({"SET", "a", "1"})), server("+OK\r\n"), client(command({"GET", "a"})), server("$1\r\n"),
               server("1\r\n"), client(command({"INCR", "b"})), server("-WRONGTYPE no\r\n")});
  EXPECT_EQ(seen.log, (std::vector<std::string>{"ok 0 1ms 1ms", "ok 0 1ms 2ms", "error 0 1ms 1ms"}));
}

TEST(RedisDecoderTest, RepliesOfEveryTypeEndWhereTheyEnd) {
  const std::vector<std::string> replies{"+OK\r\n",
                                         ":-9223372036854775808\r\n",
                                         "$0\r\n\r\n",
                                         "$-1\r\n",
                                         "*0\r\n",
                                         "*-1\r\n",
                                         "*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
                                         "_\r\n",
                                         "#t\r\n",
                                         ",3.14\r\n",
                                         "(3492890328409238509324850943850943825024385\r\n",
                                         "=7\r\ntxt:abc\r\n",
                                         "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n",
                                         "~2\r\n:1\r\n:2\r\n",
                                         "|1\r\n+ttl\r\n:3600\r\n+OK\r\n",
                                         "*2\r\n|1\r\n+ttl\r\n*1\r\n:1\r\n:7\r\n:8\r\n",
                                         "$?\r\n;3\r\nabc\r\n;2\r\nde\r\n;0\r\n",
                                         "*?\r\n:1\r\n*?\r\n.\r\n+x\r\n.\r\n",
                                         "%0\r\n",
                                         "*1\r\n$?\r\n;0\r\n"};
  for (const std::string& reply : replies) {
    const Seen seen = session({client(command({"A"}) + command({"B"})), server(reply), server(reply)});
    EXPECT_EQ(seen.log, (std::vector<std::string>{"ok 0 1ms 1ms", "ok 0 2ms 2ms"})) << reply;
  }
}

TEST(RedisDecoderTest, BlobErrorsAreErrorsButNestedOnesAreNot) {
  const Seen seen = session({client(command({"A"}) + command({"EXEC"})), server("!5\r\nERR x\r\n"
                                                                                "*2\r\n-ERR y\r\n+OK\r\n")});
  EXPECT_EQ(seen.ok, 1);
  EXPECT_EQ(seen.errors, 1);
}

TEST(RedisDecoderTest, PipelinesAreAnsweredInOrder) {
  std::string commands;
  std::string replies;
  for (int i = 0; i < 1000; ++i) {
    commands += command({"GET", "key" + std::to_string(i)});
    replies += i % 100 == 7 ? "-ERR x\r\n" : "$3\r\nabc\r\n";
  }
  const Seen seen = session({client(commands), server(replies)});
  EXPECT_EQ(seen.ok, 990);
  EXPECT_EQ(seen.errors, 10);
}

TEST(RedisDecoderTest, AMillionCommandsInFlightCostNoMore) {
  std::string commands;
  std::string replies;
  for (int i = 0; i < 1'000'000; ++i) {
    commands += "*1\r\n$4\r\nPING\r\n";
    replies += "+PONG\r\n";
  }
  const Seen seen = played(makeRedisDecoder, {client(commands), server(replies)}, {1448, true, 0});
  EXPECT_EQ(seen.ok, 1'000'000);
  EXPECT_EQ(seen.lost, 0);
}

TEST(RedisDecoderTest, InlineCommandsAreCommands) {
  const Seen seen =
      session({client("PING\r\n\r\n  \r\nset \"a b\" 'c d'\nget x\r\n"), server("+PONG\r\n+OK\r\n$-1\r\n")});
  EXPECT_EQ(seen.ok, 3);
  EXPECT_EQ(seen.lost, 0);
}

TEST(RedisDecoderTest, EmptyArraysAskNothing) {
  EXPECT_EQ(session({client("*0\r\n*-1\r\n" + command({"PING"})), server("+PONG\r\n")}).log,
            std::vector<std::string>{"ok 0 1ms 1ms"});
}

TEST(RedisDecoderTest, EachCommandOfATransactionIsAnExchange) {
  const Seen seen =
      session({client(command({"MULTI"}) + command({"SET", "a", "1"}) + command({"NO"}) + command({"EXEC"})),
               server("+OK\r\n+QUEUED\r\n-ERR unknown\r\n-EXECABORT\r\n")});
  EXPECT_EQ(seen.ok, 2);
  EXPECT_EQ(seen.errors, 2);
}

TEST(RedisDecoderTest, ASubscriptionEndsWithItsLastConfirmation) {
  for (const char type : {'*', '>'}) {
    const Seen seen =
        session({client(command({"subscribe", "a", "b"})), server(confirmation("subscribe", "a", 1, type)),
                 server(confirmation("subscribe", "b", 2, type)), server(array({"message", "a", "hello"}, type)),
                 client(command({"PSUBSCRIBE", "x*"})), server(confirmation("psubscribe", "x*", 3, type)),
                 server(array({"pmessage", "x*", "xy", "hello"}, type)), client(command({"PING"})),
                 server(array({"message", "b", "z"}, type) + array({"pong", ""})), client(command({"UNSUBSCRIBE"})),
                 server(confirmation("unsubscribe", "a", 2, type)), server(confirmation("unsubscribe", "b", 1, type)),
                 client(command({"PUNSUBSCRIBE", "x*"})), server(confirmation("punsubscribe", "x*", 0, type)),
                 client(command({"UNSUBSCRIBE"})),
                 server(type + std::string("3\r\n") + bulk("unsubscribe") + (type == '*' ? "$-1" : "_") + "\r\n:0\r\n"),
                 client(command({"LRANGE", "l", "0", "1"})), server(array({"message", "a", "no message"}))});
    EXPECT_EQ(seen.log, (std::vector<std::string>{"ok 0 1ms 2ms", "ok 0 1ms 1ms", "ok 0 1ms 1ms", "ok 0 1ms 2ms",
                                                  "ok 0 1ms 1ms", "ok 0 1ms 1ms", "ok 0 1ms 1ms"}))
        << type;
  }
}

TEST(RedisDecoderTest, SubscribingTwiceIsConfirmedTwice) {
  const Seen seen =
      session({client(command({"SUBSCRIBE", "a", "a"})),
               server(confirmation("subscribe", "a", 1) + confirmation("subscribe", "a", 1)),
               client(command({"SSUBSCRIBE", "s"})), server(confirmation("ssubscribe", "s", 1)),
               server(confirmation("sunsubscribe", "s", 0)), client(command({"UNSUBSCRIBE"})),
               server(confirmation("unsubscribe", "a", 0)), client(command({"GET", "a"})), server("$-1\r\n")});
  EXPECT_EQ(seen.ok, 4);
  EXPECT_EQ(seen.lost, 0);
}

TEST(RedisDecoderTest, ARefusedSubscriptionIsAnError) {
  const Seen seen = session({client(command({"SUBSCRIBE"}) + command({"SUBSCRIBE", "a", "b"}) + command({"PING"})),
                             server("-ERR wrong number\r\n-NOPERM no\r\n+PONG\r\n")});
  EXPECT_EQ(seen.errors, 2);
  EXPECT_EQ(seen.ok, 1);
}

TEST(RedisDecoderTest, PushesOfResp3AreNoReplies) {
  const Seen seen =
      session({client(command({"HELLO", "3"})), server("%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n"),
               client(command({"CLIENT", "TRACKING", "ON"})), server("+OK\r\n"), client(command({"GET", "a"})),
               server(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nb\r\n"), server("$1\r\nx\r\n"),
               client(command({"SUBSCRIBE", "c"})), server(confirmation("subscribe", "c", 1, '>')),
               client(command({"LRANGE", "l", "0", "1"})), server(array({"message", "c", "no message"})),
               client(command({"RESET"})), server("+RESET\r\n")});
  EXPECT_EQ(seen.ok, 6);
  EXPECT_EQ(seen.log[2], "ok 0 2ms 2ms");
  EXPECT_EQ(seen.lost, 0);
}

TEST(RedisDecoderTest, UnansweredCommandsAreNoExchanges) {
  const Seen seen = session(
      {client(command({"CLIENT", "REPLY", "SKIP"}) + command({"SET", "a", "1"}) + command({"GET", "a"})),
       server("$1\r\n1\r\n"),
       client(command({"client", "reply", "off"}) + command({"SET", "a", "1"}) + command({"SET", "a", "2"})),
       client(command({"CLIENT", "REPLY", "ON"})), server("+OK\r\n"), client(command({"CLIENT", "REPLY", "SKIP"})),
       client(command({"PING"}) + command({"PING"})), server("+PONG\r\n")});
  EXPECT_EQ(seen.ok, 3);
  EXPECT_EQ(seen.incomplete, 0);
  EXPECT_EQ(seen.lost, 0);
}

TEST(RedisDecoderTest, MonitoringIsAStream) {
  const Seen seen = session({client(command({"MONITOR"})), server("+OK\r\n"),
                             server("+1339518083.107412 [0 127.0.0.1:60866] \"keys\"\r\n"), client(command({"QUIT"}))});
  EXPECT_EQ(seen.log, std::vector<std::string>{"ok 0 1ms 1ms"});
}

TEST(RedisDecoderTest, ReplicationIsAStream) {
  const Seen seen =
      session({client(command({"REPLCONF", "capa", "eof"})), server("+OK\r\n"), client(command({"PSYNC", "?", "-1"})),
               server("+FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 0\r\n$5\r\nREDIS")});
  EXPECT_EQ(seen.log, std::vector<std::string>{"ok 0 1ms 1ms"});
}

TEST(RedisDecoderTest, WhatCannotBeFollowedIsGivenUp) {
  EXPECT_EQ(session({client(command({"MULTI"}) + command({"SUBSCRIBE", "a"}))}).log,
            std::vector<std::string>{"lost ambiguous"});
  EXPECT_EQ(session({client(command({"CLIENT", "REPLY", "OFF"}) + command({"HELLO", "3"}))}).log,
            std::vector<std::string>{"lost ambiguous"});
}

TEST(RedisDecoderTest, WhatIsOpenAtTheCloseIsIncomplete) {
  EXPECT_EQ(session({client(command({"BLPOP", "q", "0"}))}).log, std::vector<std::string>{"incomplete 0 1ms 1ms"});
  EXPECT_EQ(session({client(command({"PING"}) + command({"GET", "a"})), server("+PONG\r\n$5\r\nab")}).incomplete, 1);
  EXPECT_EQ(session({client("*2\r\n$3\r\nGET\r\n$100\r\nabc")}).incomplete, 1);
}

TEST(RedisDecoderTest, BulkNeedsNoLook) {
  Seen seen;
  const auto decoder = makeRedisDecoder(seen, {});
  const auto feed = [&](Direction direction, const std::string& bytes) {
    return decoder->feed(direction, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, {});
  };
  const std::uint64_t up = feed(Direction::Upstream, "*4\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n$1000000\r\nxyz");
  EXPECT_EQ(up, 1'000'000u - 3);
  decoder->skip(Direction::Upstream, up, {});
  feed(Direction::Upstream, "\r\n" + command({"GET", "a"}));
  const std::uint64_t down = feed(Direction::Downstream, "+OK\r\n$1000000\r\nxyz");
  EXPECT_EQ(down, 1'000'000u - 3 + 2);
  decoder->skip(Direction::Downstream, down, {});
  EXPECT_EQ(seen.ok, 2);
}

TEST(RedisDecoderTest, GarbageLosesItOnce) {
  const std::string ping = command({"PING"});
  EXPECT_EQ(session({client("*1\r\nPING\r\n"), client(ping)}).log, std::vector<std::string>{"lost malformed"});
  EXPECT_EQ(session({client("*1\r\n$4\r\nPINGPONG\r\n"), client(ping)}).log,
            std::vector<std::string>{"lost malformed"});
  EXPECT_EQ(session({client("*99999999999\r\n"), client(ping)}).log, std::vector<std::string>{"lost malformed"});
  EXPECT_EQ(session({client(ping), server("PONG\r\n"), client(ping)}).log, std::vector<std::string>{"lost malformed"});
  EXPECT_EQ(session({server("+OK\r\n"), client(ping)}).log, std::vector<std::string>{"lost out_of_step"});
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "*1\r\n";
  EXPECT_EQ(session({client(ping), server(deep)}).log, std::vector<std::string>{"lost too_long"});
  EXPECT_EQ(session({client(std::string(70'000, 'x')), client(ping)}).log, std::vector<std::string>{"lost malformed"});
}

TEST(RedisDecoderTest, MatchesConservatively) {
  const auto last = [](Direction first, const std::string& bytes) {
    const std::string said = matchEveryPrefix(matchRedis, first, bytes);
    EXPECT_EQ(said.find_first_not_of('N'), said.find_first_of("XY")) << said;
    return said.back();
  };
  for (const char* opening : {"*1\r\n$4\r\nPING", "*12\r\n$10\r\nhmset", "PING\r\n", "info\r\n"}) {
    EXPECT_EQ(last(Direction::Upstream, opening), 'Y') << opening;
    EXPECT_EQ(last(Direction::Downstream, opening), 'X') << opening;
  }
  EXPECT_EQ(last(Direction::Downstream, "-DENIED Redis is running in protected mode"), 'Y');
  for (const char* opening : {"GET / HTTP/1.1\r\n", "PINGS\r\n", "*0\r\n$4\r\nPING", "*1\r\n+PING", "*1\n$4\n",
                              "*1\r\n$4\r\n1234", "POST / H", "INFO {}"}) {
    EXPECT_EQ(last(Direction::Upstream, opening), 'X') << opening;
  }
}

}  // namespace
}  // namespace loam::decode::testing
