#include "shadow/decode/registry.h"

#include <array>

#include "shadow/decode/mysql_decoder.h"
#include "shadow/decode/postgres_decoder.h"
#include "shadow/decode/redis_decoder.h"

namespace loam::decode {

std::span<const Recogniser> recognisers() {
  // Order matters where prefixes overlap: the detector waits for an earlier NeedMore before it takes a later Yes.
  // A line is {Protocol::Foo, matchFoo, makeFoo}, both declared in foo_decoder.h.
  static constexpr auto kAll = std::to_array<Recogniser>({
      {Protocol::Mysql, matchMysql, makeMysql},
      {Protocol::Postgres, matchPostgres, makePostgres},
      {Protocol::Redis, matchRedis, makeRedis},
  });
  return kAll;
}

}  // namespace loam::decode
