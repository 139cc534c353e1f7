#include "proxy/upstream/caps.h"

namespace loam::upstream {

namespace {

std::atomic<std::uint32_t>& countOf(ServiceState& service, Cap cap) {
  return service.occupied[static_cast<std::size_t>(cap)];
}

}  // namespace

std::string_view name(Cap cap) {
  switch (cap) {
    case Cap::Connections:
      return "connections";
    case Cap::Requests:
      return "requests";
    case Cap::Pending:
      return "pending";
  }
  return "";
}

CapPlace& CapPlace::operator=(CapPlace&& other) noexcept {
  if (this == &other) return *this;
  free();
  service_ = std::move(other.service_);
  cap_ = other.cap_;
  beyond_ = other.beyond_;
  return *this;
}

void CapPlace::free() {
  if (const auto service = std::exchange(service_, nullptr)) {
    countOf(*service, cap_).fetch_sub(1, std::memory_order_relaxed);
  }
}

tl::expected<CapPlace, Caps::Refusal> Caps::take(Cap cap) const {
  const auto most = mostOf(cap);
  auto& count = countOf(*service_, cap);
  std::uint32_t before = count.load(std::memory_order_relaxed);
  for (;;) {
    const bool isBeyond = most && before >= *most;
    if (isBeyond && !simulated_) {
      service_->refused.fetch_add(1, std::memory_order_relaxed);
      return tl::unexpected(Refusal{cap, *most});
    }
    if (count.compare_exchange_weak(before, before + 1, std::memory_order_relaxed)) {
      return CapPlace(service_, cap, isBeyond);
    }
  }
}

std::uint32_t Caps::occupied(Cap cap) const { return countOf(*service_, cap).load(std::memory_order_relaxed); }

std::optional<std::uint32_t> Caps::mostOf(Cap cap) const {
  switch (cap) {
    case Cap::Connections:
      return terms_.connections;
    case Cap::Requests:
      return terms_.requests;
    case Cap::Pending:
      return terms_.pending;
  }
  return std::nullopt;
}

}  // namespace loam::upstream
