#include "proxy/wire/report.h"

#include "proxy/base/json.h"

namespace loam::wire {

namespace {

Json::Value put(const Counts& counts) {
  Json::Value out(Json::objectValue);
  const auto set = [&](const char* key, std::uint64_t value) {
    if (value != 0) out[key] = Json::UInt64(value);
  };
  set("connections", counts.connections);
  set("failed_connections", counts.failedConnections);
  set("tls_connections", counts.tlsConnections);
  set("requests", counts.requests);
  set("errors", counts.errors);
  set("resets", counts.resets);
  set("denied", counts.denied);
  set("bytes_sent", counts.bytesSent);
  set("bytes_received", counts.bytesReceived);
  if (counts.latency.count() != 0) {
    Json::Value pairs(Json::arrayValue);
    for (const auto& [bucket, times] : counts.latency.filled()) {
      Json::Value pair(Json::arrayValue);
      pair.append(bucket);
      pair.append(Json::UInt64(times));
      pairs.append(std::move(pair));
    }
    out["latency"] = std::move(pairs);
  }
  return out;
}

Json::Value put(const EdgeReport& edge) {
  Json::Value out(Json::objectValue);
  out["client"] = edge.client.text();
  if (edge.owner) {
    out["owner"]["unit"] = edge.owner->unit;
    out["owner"]["exe"] = edge.owner->exe;
    out["owner"]["uid"] = edge.owner->uid;
  }
  out["destination"] = edge.destination.text();
  out["vantage"] = edge.vantage;
  out["protocol"] = edge.protocol;
  out["tls_version"] = edge.tlsVersion;
  out["captured"] = edge.captured;
  if (!edge.security.empty()) out["security"] = edge.security;
  if (!edge.identity.empty()) out["identity"] = edge.identity;
  out["buckets"] = Json::Value(Json::arrayValue);
  for (const Bucket& bucket : edge.buckets) {
    Json::Value entry(Json::objectValue);
    entry["start"] = Json::Int64(bucket.start);
    entry["counts"] = put(bucket.counts);
    for (const RouteCounts& route : bucket.routes) entry["routes"][route.route] = put(route.counts);
    out["buckets"].append(std::move(entry));
  }
  return out;
}

/// Reads members of one object and keeps the first error, so that a reader is one line a member.
class Reader {
 public:
  explicit Reader(const Json::Value& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.isObject()) note(Error{ErrorCode::InvalidArgument, "expected an object", ErrorOrigin::Local, false});
  }

  void take(const char* key, std::string& out) { keep(readString(object_, key), out); }
  void take(const char* key, std::int64_t& out) { keep(readInt(object_, key), out); }
  void take(const char* key, std::uint64_t& out) { keep(readUint(object_, key), out); }
  void take(const char* key, bool& out) { keep(readBool(object_, key), out); }
  /// A counter that is left out when it is zero.
  void takeOptional(const char* key, std::uint64_t& out) {
    if (!error_ && object_.isMember(key)) keep(readUint(object_, key), out);
  }
  /// A text that is left out when it is empty.
  void takeOptional(const char* key, std::string& out) {
    if (error_ || !object_.isMember(key)) return;
    keep(readString(object_, key), out);
    if (out.empty()) note(Error{ErrorCode::InvalidArgument, std::string(key) + ": empty", ErrorOrigin::Local, false});
  }
  const Json::Value& array(const char* key) {
    static const Json::Value kNone(Json::arrayValue);
    if (error_ || !object_.isMember(key)) return kNone;
    if (object_[key].isArray()) return object_[key];
    note(Error{ErrorCode::InvalidArgument, std::string(key) + ": expected an array", ErrorOrigin::Local, false});
    return kNone;
  }
  void note(Error error) {
    if (error_) return;
    error.context = where_ + error.context;
    error_ = std::move(error);
  }
  Status status() const { return error_ ? Status(fail(*error_)) : Status(); }

 private:
  template <class T>
  void keep(Result<T> value, T& out) {
    if (error_) return;
    if (value) {
      out = *std::move(value);
    } else {
      note(std::move(value).error());
    }
  }

  const Json::Value& object_;
  std::string where_;
  std::optional<Error> error_;
};

Result<Counts> takeCounts(const Json::Value& value) {
  Counts counts;
  Reader reader(value, "counts.");
  reader.takeOptional("connections", counts.connections);
  reader.takeOptional("failed_connections", counts.failedConnections);
  reader.takeOptional("tls_connections", counts.tlsConnections);
  reader.takeOptional("requests", counts.requests);
  reader.takeOptional("errors", counts.errors);
  reader.takeOptional("resets", counts.resets);
  reader.takeOptional("denied", counts.denied);
  reader.takeOptional("bytes_sent", counts.bytesSent);
  reader.takeOptional("bytes_received", counts.bytesReceived);
  for (const Json::Value& pair : reader.array("latency")) {
    if (!pair.isArray() || pair.size() != 2 || !pair[0].isUInt() || !pair[1].isUInt64()) {
      return fail(ErrorCode::InvalidArgument, "counts.latency: expected pairs of whole numbers");
    }
    if (pair[0].asUInt() >= Histogram::kBuckets)
      return fail(ErrorCode::InvalidArgument, "counts.latency: no such bucket");
    counts.latency.add(pair[0].asUInt(), pair[1].asUInt64());
  }
  LOAM_TRY(reader.status());
  return counts;
}

Result<Bucket> takeBucket(const Json::Value& value) {
  Bucket bucket;
  Reader reader(value, "buckets.");
  reader.take("start", bucket.start);
  LOAM_TRY(reader.status());
  if (bucket.start < 0 || bucket.start % kBucketSeconds != 0) {
    return fail(ErrorCode::InvalidArgument, "buckets.start: not a multiple of " + std::to_string(kBucketSeconds));
  }
  auto counts = takeCounts(value["counts"]);
  if (!counts) return fail(std::move(counts).error());
  bucket.counts = *std::move(counts);
  if (value.isMember("routes")) {
    if (!value["routes"].isObject()) return fail(ErrorCode::InvalidArgument, "buckets.routes: expected an object");
    for (const std::string& route : value["routes"].getMemberNames()) {
      auto routeCounts = takeCounts(value["routes"][route]);
      if (!routeCounts) return fail(std::move(routeCounts).error());
      bucket.routes.push_back({route, *std::move(routeCounts)});
    }
  }
  return bucket;
}

Result<EdgeReport> takeEdge(const Json::Value& value) {
  EdgeReport edge;
  Reader reader(value, "edges.");
  std::string client;
  std::string destination;
  reader.take("client", client);
  reader.take("destination", destination);
  reader.take("vantage", edge.vantage);
  reader.take("protocol", edge.protocol);
  reader.take("tls_version", edge.tlsVersion);
  reader.take("captured", edge.captured);
  reader.takeOptional("security", edge.security);
  reader.takeOptional("identity", edge.identity);
  LOAM_TRY(reader.status());
  auto ip = IpAddress::parse(client);
  if (!ip) return fail(std::move(ip).error());
  edge.client = *ip;
  auto address = SocketAddress::parse(destination);
  if (!address) return fail(std::move(address).error());
  edge.destination = *address;
  if (value.isMember("owner")) {
    Owner owner;
    std::uint64_t uid = 0;
    Reader ownerReader(value["owner"], "edges.owner.");
    ownerReader.take("unit", owner.unit);
    ownerReader.take("exe", owner.exe);
    ownerReader.take("uid", uid);
    LOAM_TRY(ownerReader.status());
    owner.uid = static_cast<std::uint32_t>(uid);
    edge.owner = std::move(owner);
  }
  for (const Json::Value& entry : reader.array("buckets")) {
    auto bucket = takeBucket(entry);
    if (!bucket) return fail(std::move(bucket).error());
    edge.buckets.push_back(*std::move(bucket));
  }
  LOAM_TRY(reader.status());
  return edge;
}

Result<NameEvidence> takeName(const Json::Value& value) {
  NameEvidence name;
  std::string address;
  std::uint64_t port = 0;
  Reader reader(value, "names.");
  reader.take("address", address);
  reader.take("port", port);
  reader.take("source", name.source);
  reader.take("name", name.name);
  reader.take("seen", name.seen);
  LOAM_TRY(reader.status());
  auto ip = IpAddress::parse(address);
  if (!ip) return fail(std::move(ip).error());
  if (port > 65535) return fail(ErrorCode::InvalidArgument, "names.port: over 65535");
  name.address = *ip;
  name.port = static_cast<std::uint16_t>(port);
  return name;
}

}  // namespace

void Counts::merge(const Counts& other) {
  connections += other.connections;
  failedConnections += other.failedConnections;
  tlsConnections += other.tlsConnections;
  requests += other.requests;
  errors += other.errors;
  resets += other.resets;
  denied += other.denied;
  bytesSent += other.bytesSent;
  bytesReceived += other.bytesReceived;
  latency.merge(other.latency);
}

std::string encode(const Report& report) {
  Json::Value out(Json::objectValue);
  out["proxy"] = report.proxy;
  out["role"] = report.role;
  out["epoch"] = Json::UInt64(report.epoch);
  out["sequence"] = Json::UInt64(report.sequence);
  out["from"] = Json::Int64(report.from);
  out["to"] = Json::Int64(report.to);
  out["edges"] = Json::Value(Json::arrayValue);
  for (const EdgeReport& edge : report.edges) out["edges"].append(put(edge));
  out["names"] = Json::Value(Json::arrayValue);
  for (const NameEvidence& name : report.names) {
    Json::Value entry(Json::objectValue);
    entry["address"] = name.address.text();
    entry["port"] = name.port;
    entry["source"] = name.source;
    entry["name"] = name.name;
    entry["seen"] = Json::UInt64(name.seen);
    out["names"].append(std::move(entry));
  }
  for (const Verdict& verdict : report.verdicts) out["verdicts"].append(toJson(verdict));
  out["losses"]["records"] = Json::UInt64(report.losses.records);
  out["losses"]["reports"] = Json::UInt64(report.losses.reports);
  out["losses"]["decoders"] = Json::UInt64(report.losses.decoders);
  out["losses"]["other_edges"] = Json::UInt64(report.losses.otherEdges);
  return writeJson(out);
}

Result<Report> decodeReport(std::string_view json) {
  if (json.size() > kMostReportBytes) return fail(ErrorCode::Exhausted, "report: over 8 MiB");
  auto value = parseJson(json, 16);
  if (!value) return fail(std::move(value).error());
  Report report;
  Reader reader(*value, "report.");
  reader.take("proxy", report.proxy);
  reader.take("role", report.role);
  reader.take("epoch", report.epoch);
  reader.take("sequence", report.sequence);
  reader.take("from", report.from);
  reader.take("to", report.to);
  for (const Json::Value& entry : reader.array("edges")) {
    auto edge = takeEdge(entry);
    if (!edge) return fail(std::move(edge).error());
    report.edges.push_back(*std::move(edge));
  }
  for (const Json::Value& entry : reader.array("names")) {
    auto name = takeName(entry);
    if (!name) return fail(std::move(name).error());
    report.names.push_back(*std::move(name));
  }
  for (const Json::Value& entry : reader.array("verdicts")) {
    auto verdict = verdictOf(entry);
    if (!verdict) return fail(std::move(verdict).error());
    report.verdicts.push_back(*std::move(verdict));
  }
  LOAM_TRY(reader.status());
  Reader losses((*value)["losses"], "report.losses.");
  losses.takeOptional("records", report.losses.records);
  losses.takeOptional("reports", report.losses.reports);
  losses.takeOptional("decoders", report.losses.decoders);
  losses.takeOptional("other_edges", report.losses.otherEdges);
  LOAM_TRY(losses.status());
  return report;
}

}  // namespace loam::wire
