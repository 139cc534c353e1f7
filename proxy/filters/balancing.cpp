#include "proxy/filters/balancing.h"

#include <algorithm>

#include "proxy/filters/words.h"

namespace loam::filters {

namespace {

Word<Algorithm> algorithms() {
  return oneOf<Algorithm>({{"least_request", Algorithm::LeastRequest},
                           {"peak_ewma", Algorithm::PeakEwma},
                           {"round_robin", Algorithm::RoundRobin},
                           {"random", Algorithm::Random},
                           {"ring_hash", Algorithm::RingHash},
                           {"maglev", Algorithm::Maglev}});
}

Word<HashKey::By> hashKeys() {
  using By = HashKey::By;
  return oneOf<By>({{"source", By::Source}, {"header", By::Header}, {"cookie", By::Cookie}, {"query", By::Query}});
}

Word<HealthCheck::Kind> checks() {
  using Kind = HealthCheck::Kind;
  return oneOf<Kind>({{"tcp", Kind::Tcp}, {"http", Kind::Http}, {"grpc", Kind::Grpc}});
}

Word<Locality::Prefer> preferences() {
  return oneOf<Locality::Prefer>({{"none", Locality::Prefer::None}, {"zone", Locality::Prefer::Zone}});
}

/// A path to ask for: no pattern, and nothing that would end the request line.
Word<std::string> requestPath() {
  Word<std::string> word = line(1024);
  word.kind = "a path like /health";
  word.parse = [parse = word.parse](std::string_view text) {
    return text.starts_with('/') && text.find(' ') == std::string_view::npos ? parse(text) : std::nullopt;
  };
  return word;
}

bool hashes(Algorithm algorithm) { return algorithm == Algorithm::RingHash || algorithm == Algorithm::Maglev; }

}  // namespace

void HashKey::describe(Form& form) {
  form.word("by", by, hashKeys());
  form.word("name", name, line(128));
  form.require("by");
  form.check((by == By::Source) == name.empty(), {"name", "by"},
             "a header, cookie or query parameter has a name, a source has none");
}

void HealthCheck::describe(Form& form) {
  form.word("kind", kind, checks());
  form.word("path", path, requestPath());
  form.integers("statuses", statuses, 200, 599, 32);
  form.integer("port", port, 1, 65'535);
  form.duration("interval", interval, milliseconds(500), std::chrono::hours(1));
  form.duration("timeout", timeout, milliseconds(10), std::chrono::minutes(1));
  form.integer("healthy_after", healthyAfter, 1, 100);
  form.integer("unhealthy_after", unhealthyAfter, 1, 100);
  form.require("kind");
  form.check((kind == Kind::Http) == !path.empty(), {"path", "kind"},
             "a check of kind http has a path, another has none");
  form.check(kind == Kind::Http || statuses.empty(), {"statuses"}, "only a check of kind http has statuses");
  form.check(timeout <= interval, {"timeout", "interval"},
             "timeout is above interval: checks would overtake each other");
}

void Locality::describe(Form& form) {
  form.word("prefer", prefer, preferences());
  form.integer("least_endpoints", leastEndpoints, 1, 1000);
}

void Subset::describe(Form& form) {
  form.word("name", name, ruleName());
  form.map("labels", labels, label(), label(), 16);
  form.word("algorithm", algorithm, algorithms());
  form.require("name");
  form.require("labels");
}

void PoolSettings::describe(Form& form) {
  form.integer("most_idle", mostIdle, 0, 10'000);
  form.duration("idle", idle, milliseconds(100), std::chrono::hours(1));
  form.duration("life", life, seconds(1), std::chrono::days(7));
  form.check(idle <= life, {"idle", "life"}, "idle is above life, and so never comes");
}

void BalancingSettings::describe(Form& form) {
  form.word("algorithm", algorithm, algorithms());
  form.object("hash", hash);
  form.object("health", health);
  form.object("locality", locality);
  form.objects("subsets", subsets, 32);
  form.object("pool", pool);
  form.duration("slow_start", slowStart, seconds(0), std::chrono::minutes(30));
  form.integer("panic_percent", panicPercent, 0, 100);
  form.distinct("subsets", subsets, "name", &Subset::name);
  const bool hashing = hashes(algorithm) || std::any_of(subsets.begin(), subsets.end(), [](const Subset& subset) {
                         return subset.algorithm && hashes(*subset.algorithm);
                       });
  form.check(hashing == hash.has_value(), {"hash", "algorithm", "subsets"},
             "ring_hash and maglev need a hash, and nothing else has a use for one");
}

}  // namespace loam::filters
