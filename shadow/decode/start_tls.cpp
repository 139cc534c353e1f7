#include "shadow/decode/start_tls.h"

namespace loam::decode {

StartTls::StartTls(DecoderEvents& events, const DecoderContext& context) : events_(events) {
  for (const Recogniser& recogniser : recognisers()) {
    if (recogniser.protocol == Protocol::Tls && recogniser.make != nullptr) tls_ = recogniser.make(events_, context);
  }
}

std::uint64_t StartTls::feed(Direction direction, std::span<const std::uint8_t> bytes, Monotonic now) {
  if (!tls_) return kOpaque;
  return bytes.empty() ? 0 : tls_->feed(direction, bytes, now);
}

void StartTls::skip(Direction direction, std::uint64_t count, Monotonic now) {
  if (tls_) tls_->skip(direction, count, now);
}

void StartTls::end(Direction direction, Monotonic now) {
  if (tls_) tls_->end(direction, now);
}

void StartTls::close(Monotonic now) {
  if (tls_) tls_->close(now);
}

}  // namespace loam::decode
