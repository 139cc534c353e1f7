#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shadow/observe/tap_factory.h"

namespace loam::observe {

/// Understands a line protocol of the tests: each feed is one command, so that a test says what the tap hears. A
/// decoder that is told to "hold" keeps requests open until it is closed.
class FakeDecoder final : public decode::Decoder {
 public:
  explicit FakeDecoder(decode::DecoderEvents& events) : events_(events) {}

  std::uint64_t feed(decode::Direction, std::span<const std::uint8_t> bytes, Monotonic now) override {
    const std::string_view command(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (command == "http") events_.onProtocol(decode::Protocol::Http1);
    if (command == "websocket") events_.onProtocol(decode::Protocol::WebSocket);
    if (command == "grpc") events_.onProtocol(decode::Protocol::Grpc);
    if (command == "postgres") events_.onProtocol(decode::Protocol::Postgres);
    if (command == "tcp") events_.onProtocol(decode::Protocol::Tcp);
    if (command == "tls") {
      events_.onProtocol(decode::Protocol::Tls);
      events_.onTls(0x0304, "Shop.Example", "h2");
    }
    if (command == "lost") {
      events_.onLost(decode::LossReason::Malformed);
      return kOpaque;
    }
    if (command == "hold") held_.push_back(now);
    if (command.starts_with("host ")) events_.onServerName(command.substr(5));
    if (command.starts_with("ok ")) exchange(decode::Outcome::Ok, 200, command.substr(3), now);
    if (command.starts_with("bad ")) exchange(decode::Outcome::Error, 500, command.substr(4), now);
    return 0;
  }
  void skip(decode::Direction, std::uint64_t, Monotonic) override {}
  void end(decode::Direction, Monotonic) override {}
  void close(Monotonic now) override {
    for (const Monotonic started : held_) {
      events_.onExchange({decode::Outcome::Incomplete, started, nanoseconds(0), now - started, 0, {}, {}});
    }
  }

 private:
  void exchange(decode::Outcome outcome, std::uint16_t status, std::string_view text, Monotonic now) {
    const auto space = text.find(' ');
    const bool named = space != std::string_view::npos;
    events_.onExchange({outcome, now - milliseconds(2), milliseconds(1), milliseconds(2), status,
                        named ? text.substr(0, space) : std::string_view(),
                        named ? text.substr(space + 1) : std::string_view()});
  }

  decode::DecoderEvents& events_;
  std::vector<Monotonic> held_;
};

inline DecoderFactory fakeDecoders() {
  return [](decode::DecoderEvents& events, const decode::DecoderContext&) {
    return std::make_unique<FakeDecoder>(events);
  };
}

inline std::span<const std::uint8_t> bytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline relay::ConnectionFacts factsOf(std::string_view client, std::string_view destination,
                                      relay::Vantage vantage = relay::Vantage::Outbound) {
  return {*SocketAddress::parse(client), *SocketAddress::parse(destination), vantage, 1};
}

}  // namespace loam::observe
