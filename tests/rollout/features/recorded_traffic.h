#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "proxy/base/json.h"
#include "rollout/features/impact.h"

namespace loam::features {

/// What was recorded of a service that is called on 10.0.9.1:80, made by hand.
class RecordedTraffic : public testing::Test {
 protected:
  static constexpr std::int64_t kFrom = 1'700'000'400;  // the beginning of a bucket of 5 min
  static constexpr const char* kEndpoint = "10.0.9.1:80";

  void SetUp() override {
    traffic.calls.service = "orders";
    traffic.calls.header.window = {kFrom, kFrom + 86'400};
    traffic.usages.reserve(16);  // usage() gives references
  }

  /// A caller's connections in a protocol; its exchanges are put into the tally.
  record::Usage& usage(const std::string& caller, const std::string& client, std::uint64_t connections = 1,
                       const std::string& protocol = "http1", const std::string& endpoint = kEndpoint) {
    record::Usage made;
    made.call.caller = made.call.believed = caller;
    made.call.client = *IpAddress::parse(client);
    made.call.destination = *SocketAddress::parse(endpoint);
    made.call.connections = connections;
    made.protocol = protocol;
    made.tally.counts.connections = connections;
    traffic.calls.calls.push_back(made.call);
    return traffic.usages.emplace_back(std::move(made));
  }
  /// More exchanges of a route; without one where it is empty.
  static void exchange(record::Usage& usage, const std::string& route, std::uint64_t count,
                       std::uint64_t microseconds = 1000, std::uint64_t errors = 0) {
    wire::Counts counts;
    counts.requests = count;
    counts.errors = errors;
    counts.latency.record(microseconds, count);
    usage.tally.counts.merge(counts);
    if (!route.empty()) graph::addRoute(usage.tally.routes, route, counts);
  }
  record::Moment& moment(const record::Usage& usage, std::int64_t after, std::int64_t length, std::uint64_t requests) {
    record::Moment made;
    made.from = kFrom + after;
    made.length = length;
    made.caller = usage.call.caller;
    made.client = usage.call.client;
    made.destination = usage.call.destination;
    made.protocol = usage.protocol;
    made.counts.requests = requests;
    return traffic.moments.emplace_back(std::move(made));
  }

  Impact impact(const std::string& feature, const std::string& settings, const std::string& stage = "") const {
    const Feature* const found = find(feature);
    const Stage& asked = stage.empty() ? found->ladder.back() : found->ladder[*found->rung(stage)];
    std::vector<FieldProblem> problems;
    const Json::Value canonical = found->settings(asked.name, *parseJson(settings), problems);
    EXPECT_TRUE(problems.empty()) << text(problems);
    const ReadGround read = [this] { return ground; };
    return impactOf(*found, asked, {asked.name, canonical, exclude, traffic, read});
  }
  /// The row of a caller and rule; an empty one where there is none.
  static Affected row(const Impact& impact, const std::string& caller, const std::string& rule = "") {
    const auto found = std::find_if(impact.rows.begin(), impact.rows.end(),
                                    [&](const Affected& one) { return one.caller == caller && one.rule == rule; });
    EXPECT_NE(found, impact.rows.end()) << caller << " " << rule;
    return found == impact.rows.end() ? Affected{} : *found;
  }
  static bool notes(const Impact& impact, const std::string& what) {
    return std::any_of(impact.notes.begin(), impact.notes.end(),
                       [&](const std::string& note) { return note.find(what) != std::string::npos; });
  }
  static std::vector<std::string> unknown(const Impact& impact) {
    std::vector<std::string> names;
    for (const Unknown& one : impact.unknown) names.push_back(one.what);
    return names;
  }

  record::Traffic traffic;
  Ground ground;
  std::vector<std::string> exclude;
};

}  // namespace loam::features
