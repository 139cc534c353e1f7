#pragma once

#include <array>
#include <memory>
#include <optional>

#include "shadow/decode/registry.h"

namespace loam::decode {

/// The decoder of a connection that has not said what it speaks: takes off a PROXY preface, shows the first speaker's
/// first bytes to the recognisers, and from the first Yes on passes everything to that protocol's decoder, held bytes
/// first and in the order in which they passed. Nothing is copied when the first piece decides. Bound per connection:
/// sizeof(Detector) (about 130 bytes) + sizeof(Held) (about 1.2 KB) until decided + the inner decoder.
class Detector final : public Decoder {
 public:
  /// Most bytes held of both directions together, and most runs of one direction and time among them.
  static constexpr std::size_t kMostDetecting = 1024;
  static constexpr std::size_t kMostRuns = 8;

  Detector(DecoderEvents& events, const DecoderContext& context, std::span<const Recogniser> all = recognisers())
      : events_(events), context_(context), all_(all) {}

  std::uint64_t feed(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) override;
  void skip(Direction direction, std::uint64_t count, Monotonic now) override;
  void end(Direction direction, Monotonic now) override;
  void close(Monotonic now) override;

 private:
  enum class Stage : std::uint8_t { Preface, Detecting, Decided };

  /// Bytes of one direction in a row, and when the first of them passed.
  struct Run {
    Direction direction = Direction::Upstream;
    std::uint16_t size = 0;
    Monotonic at;
  };
  struct Held {
    std::array<std::uint8_t, kMostDetecting> bytes;
    std::array<Run, kMostRuns> runs;
    std::size_t size = 0;
    std::size_t runCount = 0;
  };

  using Bytes = std::span<const std::uint8_t>;

  bool takePreface(Bytes& fresh, Monotonic now);
  std::uint64_t detect(Direction direction, Bytes fresh, Monotonic now);
  const Recogniser* recognise(Bytes bytes, bool last, bool& waiting) const;
  Bytes firstBytes(std::span<std::uint8_t> scratch, Bytes fresh) const;
  std::size_t room(Direction direction) const;
  void hold(Direction direction, Bytes fresh, Monotonic now);
  void settle(const Recogniser* chosen);
  void settleOnHeld();
  std::uint64_t feedInner(Direction direction, Bytes bytes, Monotonic now);

  DecoderEvents& events_;
  DecoderContext context_;
  std::span<const Recogniser> all_;
  std::unique_ptr<Held> held_;
  std::unique_ptr<Decoder> inner_;
  std::uint32_t prefaceLeft_ = 0;
  Stage stage_ = Stage::Preface;
  std::uint8_t opaque_ = 0;  ///< a bit for each direction in which the inner decoder looks no more
  std::optional<Direction> first_;
};

}  // namespace loam::decode
