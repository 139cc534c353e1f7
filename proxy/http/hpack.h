#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "proxy/http/header_field.h"

struct nghttp2_hd_inflater;
struct nghttp2_hd_deflater;

namespace loam::http {

enum class HpackFault : std::uint8_t {
  None,
  Compression,  ///< COMPRESSION_ERROR: the connection's table is lost
  TooLarge,     ///< the decoded list passes its limit; the table stays in step
};

/// Undoes HPACK of one direction; wraps nghttp2's inflater and holds the decoded list of one block at a time. The list
/// is counted while it is decoded (name + value + 32 a field), so that a small block that refers often costs no memory.
/// Bound: the dynamic table (4 KiB unless raised) + the list's limit; between blocks at most 2 KiB of the list stay.
class HpackInflater {
 public:
  explicit HpackInflater(std::size_t mostListBytes = 64 * 1024);
  ~HpackInflater();
  HpackInflater(const HpackInflater&) = delete;
  HpackInflater& operator=(const HpackInflater&) = delete;

  /// How large a table the encoder may choose: what this side's SETTINGS_HEADER_TABLE_SIZE said. Between blocks only.
  void allowTable(std::size_t bytes);
  /// Decodes a whole block. On None, fields() holds its list, pseudo-headers first as they came.
  HpackFault inflate(std::span<const std::uint8_t> block);
  /// Valid until the next call of inflate() or release().
  std::span<const HeaderField> fields() const { return fields_; }
  /// Gives the list's memory back; call when its views are done with.
  void release();

 private:
  struct Free {
    void operator()(nghttp2_hd_inflater* inflater) const;
  };
  struct Extent {
    std::uint32_t name;
    std::uint32_t value;
  };

  bool keep(std::span<const std::uint8_t> name, std::span<const std::uint8_t> value);

  std::unique_ptr<nghttp2_hd_inflater, Free> inflater_;
  std::size_t most_;
  std::string text_;
  std::vector<Extent> extents_;
  std::vector<HeaderField> fields_;
};

/// HPACK for what we send: wraps nghttp2's deflater.
class HpackDeflater {
 public:
  explicit HpackDeflater(std::size_t tableBytes = 4096);
  ~HpackDeflater();
  HpackDeflater(const HpackDeflater&) = delete;
  HpackDeflater& operator=(const HpackDeflater&) = delete;

  /// The peer's SETTINGS_HEADER_TABLE_SIZE; the next block states the change.
  void resizeTable(std::size_t bytes);
  /// Appends the block of a list to `out`.
  void deflate(std::span<const HeaderField> fields, std::string& out);

 private:
  struct Free {
    void operator()(nghttp2_hd_deflater* deflater) const;
  };
  std::unique_ptr<nghttp2_hd_deflater, Free> deflater_;
};

}  // namespace loam::http
