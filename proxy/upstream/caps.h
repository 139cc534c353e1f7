#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "proxy/upstream/service_state.h"

namespace loam::upstream {

/// "connections", "requests", "pending".
std::string_view name(Cap cap);

/// How much a caller's proxy may have under way with a service; none: as much as comes.
struct CapTerms {
  std::optional<std::uint32_t> connections{};
  std::optional<std::uint32_t> requests{};
  std::optional<std::uint32_t> pending{};
};

/// One of what is capped: counted as long as it lives, whatever becomes of the terms.
class CapPlace {
 public:
  /// None.
  CapPlace() = default;
  CapPlace(std::shared_ptr<ServiceState> service, Cap cap, bool isBeyond)
      : service_(std::move(service)), cap_(cap), beyond_(isBeyond) {}
  CapPlace(CapPlace&& other) noexcept = default;
  CapPlace& operator=(CapPlace&& other) noexcept;
  CapPlace(const CapPlace&) = delete;
  CapPlace& operator=(const CapPlace&) = delete;
  ~CapPlace() { free(); }

  void free();
  /// There were as many as the cap allows already: only simulated caps give such a place.
  bool isBeyond() const { return beyond_; }
  explicit operator bool() const { return service_ != nullptr; }

 private:
  std::shared_ptr<ServiceState> service_;
  Cap cap_ = Cap::Connections;
  bool beyond_ = false;
};

/// Concurrency caps of one service, over all workers. Made with the snapshot and immutable. Any thread.
class Caps {
 public:
  /// `simulated`: nothing is refused.
  Caps(CapTerms terms, std::shared_ptr<ServiceState> service, bool simulated = false)
      : terms_(terms), service_(std::move(service)), simulated_(simulated) {}

  struct Refusal {
    Cap cap;
    std::uint32_t most;
  };
  /// A place, or which cap there is none under. Connections keep theirs while they are idle, too.
  tl::expected<CapPlace, Refusal> take(Cap cap) const;
  std::uint32_t occupied(Cap cap) const;

 private:
  std::optional<std::uint32_t> mostOf(Cap cap) const;

  const CapTerms terms_;
  const std::shared_ptr<ServiceState> service_;
  const bool simulated_;
};

}  // namespace loam::upstream
