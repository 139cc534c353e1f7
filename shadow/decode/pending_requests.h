#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/clock.h"

namespace loam::decode {

/// A request whose answer has not ended; its method and path lie in the queue's text.
struct PendingRequest {
  enum class Switch : std::uint8_t { None, WebSocket, H2c, Other, Connect };

  Monotonic started;
  nanoseconds firstByte{0};
  std::uint32_t textSize = 0;
  std::uint16_t methodSize = 0;
  std::uint16_t status = 0;
  bool toHead = false;           ///< HEAD: its answer has no body
  Switch wanted = Switch::None;  ///< what the connection may become
};

/// The requests of one connection in their order, answered from the front. Method and path are cut at their limits; a
/// queue of more than kMost requests or kMostText bytes refuses. Bound: 32 B a request + 32 KiB of text; empty it keeps
/// under 1 KiB.
class PendingRequests {
 public:
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kMostText = 32 * 1024;
  static constexpr std::size_t kLongestMethod = 64;
  static constexpr std::size_t kLongestPath = 2 * 1024;

  /// False when there is no room.
  bool push(PendingRequest request, std::string_view method, std::string_view path);
  bool empty() const { return first_ == requests_.size(); }
  std::size_t size() const { return requests_.size() - first_; }
  PendingRequest& front() { return requests_[first_]; }
  PendingRequest& back() { return requests_.back(); }
  std::string_view frontMethod() const;
  std::string_view frontPath() const;
  void pop();
  void clear();

 private:
  std::vector<PendingRequest> requests_;
  std::string text_;
  std::uint32_t first_ = 0;
  std::uint32_t textFirst_ = 0;
};

}  // namespace loam::decode
