#pragma once

#include <cstdint>
#include <memory>

#include "proxy/filter/request_listener.h"
#include "proxy/relay/tap.h"
#include "shadow/decode/decoder.h"
#include "shadow/observe/channel.h"

namespace loam::observe {

class ConnectionTapFactory;

/// The tap of one relayed connection: counts its bytes, drives its decoder and pushes what that tells into the worker's
/// channel. Nothing is allocated after it was made but by the decoder. Lives and is called on its worker; its factory
/// outlives it.
class ConnectionTap final : public relay::Tap, private decode::DecoderEvents {
 public:
  ConnectionTap(ConnectionTapFactory& factory, ConnectionId id, const relay::ConnectionFacts& facts, Monotonic now);
  /// A tap that goes without onClosed (its worker stops) closes as Aborted.
  ~ConnectionTap() override;
  ConnectionTap(const ConnectionTap&) = delete;
  ConnectionTap& operator=(const ConnectionTap&) = delete;

  void onConnected(const relay::Connected& how) override;
  std::uint64_t onBytes(relay::Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) override;
  void onSkipped(relay::Direction direction, std::uint64_t count, Monotonic now) override;
  void onEnd(relay::Direction direction, Monotonic now) override;
  void onClosed(relay::CloseReason reason, Monotonic now) override;
  void tellRequestsTo(filter::RequestListener* listener) override;

  /// Tells the bytes that passed since the last record of them; false when the channel took nothing.
  bool flush(Monotonic now);

 private:
  friend class ConnectionTapFactory;

  /// Whose doing the end of the connection, or of the half that ended first, was.
  enum class EndedBy : std::uint8_t { Nobody, Client, Server };

  void onProtocol(decode::Protocol protocol) override;
  void onExchange(const decode::Exchange& exchange) override;
  void onRequestHead(const filter::ExchangeView& view) override;
  void onTls(std::uint16_t version, std::string_view serverName, std::string_view alpn) override;
  void onCertificate(std::string_view summary) override;
  void onServerName(std::string_view name) override;
  void onProxiedClient(const SocketAddress& client) override;
  void onLost(decode::LossReason reason) override;

  void count(relay::Direction direction, std::uint64_t bytes, Monotonic now);
  void beyondCounting(relay::Direction direction, Monotonic now);
  void flushWhenDue(Monotonic now);
  void tellName(NameSource source, std::string_view name);
  Observation record(RecordKind kind, std::uint8_t detail, Monotonic at) const;
  bool announce();
  bool push(const Observation& record);
  void pushOrLose(const Observation& record);

  ConnectionTapFactory& factory_;
  std::unique_ptr<decode::Decoder> decoder_;  // gone once it gave up
  const relay::ConnectionFacts facts_;
  const ConnectionId id_;
  const Monotonic opened_;
  Monotonic now_;  // of the call that the decoder's events come from
  Monotonic flushed_;
  std::uint64_t sent_ = 0;  // not told yet
  std::uint64_t received_ = 0;
  std::uint64_t name_ = 0;           // hash of the server name told last
  ConnectionTap* before_ = nullptr;  // the factory's list of taps with bytes to tell
  ConnectionTap* after_ = nullptr;
  filter::RequestListener* listener_ = nullptr;
  decode::Protocol protocol_ = decode::Protocol::Unknown;
  EndedBy endedBy_ = EndedBy::Nobody;
  bool listed_ = false;
  bool countsOnly_ = false;  // it is listed, and nobody listens
  bool showsHeads_ = false;  // somebody does
  bool announced_ = false;
  bool lost_ = false;
  bool closed_ = false;
};
/// What a live connection costs here beside its decoder.
static_assert(sizeof(ConnectionTap) <= 216);

}  // namespace loam::observe
