#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/clock.h"

namespace loam::decode {

/// One HTTP/2 stream whose answer has not ended.
struct OpenStream {
  std::uint32_t id = 0;
  Monotonic started;
  nanoseconds firstByte{0};
  std::string text;  ///< method, then path
  std::uint16_t methodSize = 0;
  std::uint16_t status = 0;      ///< 0 until the final response head
  std::int32_t grpcStatus = -1;  ///< -1 until it is known
  bool grpc = false;

  std::string_view method() const { return std::string_view(text).substr(0, methodSize); }
  std::string_view path() const { return std::string_view(text).substr(methodSize); }
};

/// The open streams of one connection, by id. Bound: kMost streams of about 100 B and kMostText bytes of methods and
/// paths (each cut at its limit); beyond it refuses. Empty it keeps nothing.
class StreamTable {
 public:
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kMostText = 128 * 1024;
  static constexpr std::size_t kLongestMethod = 64;
  static constexpr std::size_t kLongestPath = 2 * 1024;

  /// A new stream, or null when the table is full. The pointer is valid until the table changes.
  OpenStream* open(std::uint32_t id, std::string_view method, std::string_view path);
  OpenStream* find(std::uint32_t id);
  /// Takes it out of the table.
  OpenStream close(std::uint32_t id);
  std::size_t size() const { return streams_.size(); }
  std::vector<OpenStream> takeAll();

 private:
  std::vector<OpenStream>::iterator place(std::uint32_t id);

  std::vector<OpenStream> streams_;  ///< in order of id, which is the order in which they open
  std::size_t textSize_ = 0;
};

}  // namespace loam::decode
