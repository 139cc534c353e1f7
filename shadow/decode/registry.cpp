#include "shadow/decode/registry.h"

#include "shadow/decode/banner.h"
#include "shadow/decode/http1_decoder.h"
#include "shadow/decode/http2_decoder.h"
#include "shadow/decode/mysql_decoder.h"
#include "shadow/decode/postgres_decoder.h"
#include "shadow/decode/redis_decoder.h"
#include "shadow/decode/tls_decoder.h"

namespace loam::decode {

std::span<const Recogniser> recognisers() {
  // Order matters where prefixes overlap: the detector waits for an earlier NeedMore before it takes a later Yes.
  // A line is {Protocol::Foo, matchFoo, makeFooDecoder}, both declared in foo_decoder.h; known by name only: {...,
  // nullptr}.
  static constexpr Recogniser kAll[] = {
      {Protocol::Tls, matchTls, makeTlsDecoder},
      {Protocol::Http2, matchHttp2, makeHttp2Decoder},
      {Protocol::Http1, matchHttp1, makeHttp1Decoder},
      {Protocol::Postgres, matchPostgres, makePostgresDecoder},
      {Protocol::Mysql, matchMysql, makeMysqlDecoder},
      {Protocol::Redis, matchRedis, makeRedisDecoder},
      {Protocol::Ssh, matchSsh, nullptr},
      {Protocol::Smtp, matchSmtp, nullptr},
      {Protocol::Ldap, matchLdap, nullptr},
      {Protocol::Amqp, matchAmqp, nullptr},
      {Protocol::Mongodb, matchMongodb, nullptr},
      {Protocol::Kafka, matchKafka, nullptr},
  };
  return kAll;
}

}  // namespace loam::decode
