#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "proxy/relay/tap.h"
#include "shadow/decode/registry.h"
#include "shadow/observe/channel.h"
#include "shadow/observe/connection_tap.h"

namespace loam::observe {

/// Makes the decoder that a connection starts with; decode::makeDetector but in tests.
using DecoderFactory =
    std::function<std::unique_ptr<decode::Decoder>(decode::DecoderEvents&, const decode::DecoderContext&)>;

/// Makes the taps of one worker and sees to it that what they counted is told while connections live. Called from its
/// worker alone; outlives its taps, and the channel outlives it.
class ConnectionTapFactory final : public relay::TapFactory {
 public:
  /// Bytes of a live connection are told at most this often, and at its end.
  static constexpr seconds kFlushEvery{1};

  ConnectionTapFactory(Channel& channel, DecoderFactory decoders);

  std::unique_ptr<relay::Tap> open(const relay::ConnectionFacts& facts, Monotonic now) override;
  /// Tells the bytes of all connections on which some passed.
  void flush(Monotonic now) override;

  Channel& channel() { return channel_; }

 private:
  friend class ConnectionTap;

  std::unique_ptr<decode::Decoder> makeDecoder(decode::DecoderEvents& events, const decode::DecoderContext& context) {
    return decoders_(events, context);
  }
  void enlist(ConnectionTap& tap);
  void unlist(ConnectionTap& tap);
  void release(ConnectionTap& tap);

  Channel& channel_;
  const DecoderFactory decoders_;
  std::vector<std::uint32_t> serials_;  // by slot: how often it was used
  std::vector<std::uint32_t> free_;
  ConnectionTap* first_ = nullptr;  // taps with bytes to tell
};

}  // namespace loam::observe
