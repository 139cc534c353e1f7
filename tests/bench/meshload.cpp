#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>

#include "tests/bench/load_plan.h"
#include "tests/bench/load_server.h"
#include "tests/bench/loopback.h"

namespace {

using namespace loam::bench;

std::string httpRequest(bool close) {
  return "GET /items/4711?page=2 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: meshload/1\r\nAccept: */*\r\n"
         "Accept-Language: en-GB,en;q=0.8\r\nAccept-Encoding: gzip, deflate\r\nCache-Control: no-cache\r\n"
         "X-Request-Id: 7b7a1e0c-3c5e-4f0a-9d0c-0f3f6a1b2c3d\r\nX-Forwarded-For: 203.0.113.9\r\n"
         "Cookie: session=0123456789abcdef0123456789abcdef\r\n" +
         std::string(close ? "Connection: close\r\n" : "Referer: http://shop.example/\r\n") + "\r\n";
}

/// What the words pingpong, http, close and greet mean as a plan.
void describe(const std::string& kind, LoadPlan& plan) {
  if (kind == "pingpong") {
    plan.request = std::string(1, '\xf7') + noise(99);
    plan.reply = plan.request.size();
  } else if (kind == "greet") {
    plan.fresh = true;
    plan.reply = sizeof kGreeting - 1;
  } else {
    plan.fresh = plan.untilEnd = kind == "close";
    plan.request = httpRequest(plan.fresh);
    plan.reply = httpReply().size();
  }
}

void print(LoadOutcome outcome) {
  std::sort(outcome.latencies.begin(), outcome.latencies.end());
  const auto at = [&](double share) {
    if (outcome.latencies.empty()) return 0.0;
    return outcome.latencies[static_cast<std::size_t>(share * static_cast<double>(outcome.latencies.size() - 1))] / 1e3;
  };
  std::printf(
      "{\"count\": %llu, \"errors\": %llu, \"unsent\": %llu, \"seconds\": %.6f, \"p50\": %.2f, \"p99\": %.2f}\n",
      static_cast<unsigned long long>(outcome.exchanges), static_cast<unsigned long long>(outcome.errors),
      static_cast<unsigned long long>(outcome.unsent), outcome.seconds, at(0.5), at(0.99));
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Load on the own host, and the upstream that answers it; results are one line of JSON, times in us.",
               "meshload");
  app.require_subcommand(1);
  ServerPorts ports;
  CLI::App* server = app.add_subcommand("serve", "the upstream, until it is ended");
  server->add_option("--address", ports.address);
  server->add_option("--http", ports.http)->required();
  server->add_option("--echo", ports.echo)->required();
  server->add_option("--greet", ports.greet)->required();
  server->add_option("--bulk", ports.bulk)->required();

  LoadPlan plan;
  std::string kind = "http";
  const auto target = [&](CLI::App* verb) {
    verb->add_option("--address", plan.target.address);
    verb->add_option("--port", plan.target.port)->required();
    verb->add_option("--connections", plan.connections);
    verb->add_option("--kind", kind, "one exchange: http, close (its own connection), pingpong (100 B), greet")
        ->check(CLI::IsMember({"http", "close", "pingpong", "greet"}));
  };
  CLI::App* load = app.add_subcommand("load", "exchanges until --seconds or --count is reached");
  target(load);
  load->add_option("--rate", plan.rate,
                   "exchanges a second on schedule; without it each connection waits for its answer");
  load->add_option("--seconds", plan.seconds);
  load->add_option("--count", plan.count);
  load->add_option("--tls", plan.target.tls, "TLS with load.pem, load.key and root.pem of this folder");
  load->add_option("--preface", plan.target.preface, "ADDR:PORT that a proxy of Loam is asked to carry it to")
      ->needs("--tls");
  CLI::App* idle = app.add_subcommand("idle", "connections that did one exchange, held until stdin ends");
  target(idle);
  std::uint64_t bytes = 0;
  CLI::App* bulk = app.add_subcommand("bulk", "--bytes each way at once, over each of --connections streams");
  target(bulk);
  bulk->add_option("--bytes", bytes)->required();
  CLI11_PARSE(app, argc, argv);

  describe(kind, plan);
  if (*server) serve(ports);
  if (*idle) return holdIdle(plan) == 0 ? 0 : 1;
  if (*bulk) {
    const double seconds = runBulk(plan, bytes);
    std::printf("{\"count\": %llu, \"errors\": %d, \"seconds\": %.6f}\n",
                static_cast<unsigned long long>(2 * bytes * plan.connections), seconds < 0 ? 1 : 0, seconds);
    return seconds < 0 ? 1 : 0;
  }
  if (plan.seconds <= 0 && plan.count == 0) giveUp("meshload: --seconds or --count is needed");
  print(runLoad(plan));
  return 0;
}
