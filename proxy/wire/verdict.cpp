#include "proxy/wire/verdict.h"

#include "proxy/base/json.h"

namespace loam::wire {

namespace {

template <class T>
Status take(Result<T> value, T& out) {
  if (!value) return fail(std::move(value).error());
  out = *std::move(value);
  return {};
}

Status readInto(const Json::Value& value, Verdict& verdict) {
  if (!value.isObject()) return fail(ErrorCode::InvalidArgument, "expected an object");
  std::string client;
  std::string destination;
  LOAM_TRY(take(readString(value, "client"), client));
  LOAM_TRY(take(readString(value, "destination"), destination));
  LOAM_TRY(take(IpAddress::parse(client), verdict.client));
  LOAM_TRY(take(SocketAddress::parse(destination), verdict.destination));
  if (value.isMember("identity")) LOAM_TRY(take(readString(value, "identity"), verdict.identity));
  LOAM_TRY(take(readString(value, "feature"), verdict.feature));
  LOAM_TRY(take(readString(value, "rule"), verdict.rule));
  LOAM_TRY(take(readBool(value, "enforced"), verdict.enforced));
  LOAM_TRY(take(readInt(value, "start"), verdict.start));
  if (value.isMember("generation")) LOAM_TRY(take(readUint(value, "generation"), verdict.generation));
  return take(readUint(value, "count"), verdict.count);
}

}  // namespace

Json::Value toJson(const Verdict& verdict) {
  Json::Value out(Json::objectValue);
  out["client"] = verdict.client.text();
  out["destination"] = verdict.destination.text();
  if (!verdict.identity.empty()) out["identity"] = verdict.identity;
  out["feature"] = verdict.feature;
  out["rule"] = verdict.rule;
  out["enforced"] = verdict.enforced;
  out["start"] = Json::Int64(verdict.start);
  out["count"] = Json::UInt64(verdict.count);
  if (verdict.generation != 0) out["generation"] = Json::UInt64(verdict.generation);
  return out;
}

Result<Verdict> verdictOf(const Json::Value& value) {
  Verdict verdict;
  if (Status read = readInto(value, verdict); !read) {
    Error error = std::move(read).error();
    error.context.insert(0, "verdicts.");
    return fail(std::move(error));
  }
  return verdict;
}

}  // namespace loam::wire
