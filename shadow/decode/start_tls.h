#pragma once

#include <memory>

#include "shadow/decode/registry.h"

namespace loam::decode {

/// What a decoder whose connection switched to TLS hands its bytes to from there on: the handshake is reported (onTls,
/// onServerName, onCertificate), while the connection keeps the protocol that it was recognised as.
class StartTls final : public Decoder {
 public:
  StartTls(DecoderEvents& events, const DecoderContext& context);

  std::uint64_t feed(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) override;
  void skip(Direction direction, std::uint64_t count, Monotonic now) override;
  void end(Direction direction, Monotonic now) override;
  void close(Monotonic now) override;

 private:
  /// Lets everything through but the change of protocol.
  class SameProtocol final : public DecoderEvents {
   public:
    explicit SameProtocol(DecoderEvents& events) : events_(events) {}
    void onProtocol(Protocol) override {}
    void onExchange(const Exchange& exchange) override { events_.onExchange(exchange); }
    void onRequestHead(const filter::ExchangeView& view) override { events_.onRequestHead(view); }
    void onTls(std::uint16_t version, std::string_view serverName, std::string_view alpn) override {
      events_.onTls(version, serverName, alpn);
    }
    void onCertificate(std::string_view summary) override { events_.onCertificate(summary); }
    void onServerName(std::string_view name) override { events_.onServerName(name); }
    void onProxiedClient(const SocketAddress& client) override { events_.onProxiedClient(client); }
    void onLost(LossReason reason) override { events_.onLost(reason); }

   private:
    DecoderEvents& events_;
  };

  SameProtocol events_;
  std::unique_ptr<Decoder> tls_;
};

}  // namespace loam::decode
