#pragma once

#include <array>
#include <memory>
#include <string>

#include "shadow/decode/registry.h"
#include "shadow/decode/server_names.h"

namespace loam::decode {

Match matchTls(Direction first, std::span<const std::uint8_t> bytes, const DecoderContext& context);
std::unique_ptr<Decoder> makeTlsDecoder(DecoderEvents& events, const DecoderContext& context);

/// TLS seen from outside: server name and ALPN of the ClientHello, version and ALPN of the ServerHello, the certificate
/// where it passes in clear (TLS 1.2 and older); then opaque. The ALPN told is the server's choice where it shows, else
/// (TLS 1.3) the first that the client offered. It has no exchanges. Bound per connection: sizeof (under 320 bytes) +
/// 64 KiB of handshake messages, freed once read.
class TlsDecoder final : public Decoder {
 public:
  TlsDecoder(DecoderEvents& events, const DecoderContext&) : events_(events) {}

  std::uint64_t feed(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) override;
  void skip(Direction, std::uint64_t, Monotonic) override {}
  void end(Direction, Monotonic) override {}
  void close(Monotonic) override {}

 private:
  using Bytes = std::span<const std::uint8_t>;

  struct Side {
    std::array<std::uint8_t, 5> record{};  ///< header of the current record
    std::uint8_t headerSize = 0;
    bool done = false;
    std::uint16_t left = 0;  ///< of the record's payload
    std::string messages;    ///< handshake bytes not read yet
  };

  void takeRecordByte(Direction direction, std::uint8_t byte);
  void takePayload(Direction direction, Bytes payload);
  void takeMessages(Direction direction);
  bool takeServerMessage(std::uint8_t type, Bytes body, bool whole);
  void takeClientHello(Bytes body);
  void finish(Side& side);
  void lose(LossReason reason);

  DecoderEvents& events_;
  Side up_;
  Side down_;
  std::string serverName_;
  std::string offered_;
  ServerNames names_;
  bool helloSeen_ = false;  ///< ServerHello of TLS 1.2 or older: the certificate is next
  bool lost_ = false;
};

}  // namespace loam::decode
