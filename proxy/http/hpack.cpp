#include "proxy/http/hpack.h"

#include <nghttp2/nghttp2.h>

#include "proxy/base/assert.h"

namespace loam::http {
namespace {

constexpr std::size_t kFieldOverhead = 32;
constexpr std::size_t kKeptText = 1024;
constexpr std::size_t kKeptFields = 16;

std::string_view textOf(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint8_t* bytesOf(std::string_view text) {
  // nghttp2's structure is not const; it only reads.
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

}  // namespace

void HpackInflater::Free::operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
void HpackDeflater::Free::operator()(nghttp2_hd_deflater* deflater) const { nghttp2_hd_deflate_del(deflater); }

HpackInflater::HpackInflater(std::size_t mostListBytes) : most_(mostListBytes) {
  nghttp2_hd_inflater* made = nullptr;
  LOAM_ASSERT(nghttp2_hd_inflate_new(&made) == 0);
  inflater_.reset(made);
}

HpackInflater::~HpackInflater() = default;

void HpackInflater::allowTable(std::size_t bytes) {
  LOAM_ASSERT(nghttp2_hd_inflate_change_table_size(inflater_.get(), bytes) == 0);
}

HpackFault HpackInflater::inflate(std::span<const std::uint8_t> block) {
  text_.clear();
  extents_.clear();
  fields_.clear();
  bool fits = true;
  int flags = 0;
  while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
    nghttp2_nv field;
    flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, block.data(), block.size(), 1);
    if (used < 0) return HpackFault::Compression;
    block = block.subspan(static_cast<std::size_t>(used));
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      fits = fits && keep({field.name, field.namelen}, {field.value, field.valuelen});
    } else if ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0 && block.empty() && used == 0) {
      return HpackFault::Compression;
    }
  }
  nghttp2_hd_inflate_end_headers(inflater_.get());
  if (!fits) return HpackFault::TooLarge;
  const std::string_view text = text_;
  std::size_t at = 0;
  for (const Extent& extent : extents_) {
    fields_.push_back({text.substr(at, extent.name), text.substr(at + extent.name, extent.value)});
    at += extent.name + extent.value;
  }
  return HpackFault::None;
}

bool HpackInflater::keep(std::span<const std::uint8_t> name, std::span<const std::uint8_t> value) {
  const std::size_t size = text_.size() + name.size() + value.size() + kFieldOverhead * (extents_.size() + 1);
  if (size > most_) return false;
  text_.append(textOf(name)).append(textOf(value));
  extents_.push_back({static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(value.size())});
  return true;
}

void HpackInflater::release() {
  fields_.clear();
  if (text_.capacity() > kKeptText) std::string().swap(text_);
  if (extents_.capacity() > kKeptFields) std::vector<Extent>().swap(extents_);
  if (fields_.capacity() > kKeptFields) std::vector<HeaderField>().swap(fields_);
}

HpackDeflater::HpackDeflater(std::size_t tableBytes) {
  nghttp2_hd_deflater* made = nullptr;
  LOAM_ASSERT(nghttp2_hd_deflate_new(&made, tableBytes) == 0);
  deflater_.reset(made);
}

HpackDeflater::~HpackDeflater() = default;

void HpackDeflater::resizeTable(std::size_t bytes) {
  LOAM_ASSERT(nghttp2_hd_deflate_change_table_size(deflater_.get(), bytes) == 0);
}

void HpackDeflater::deflate(std::span<const HeaderField> fields, std::string& out) {
  std::vector<nghttp2_nv> list;
  list.reserve(fields.size());
  for (const HeaderField& field : fields) {
    list.push_back(
        {bytesOf(field.name), bytesOf(field.value), field.name.size(), field.value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  const std::size_t most = nghttp2_hd_deflate_bound(deflater_.get(), list.data(), list.size());
  const std::size_t before = out.size();
  out.resize(before + most);
  const auto written = nghttp2_hd_deflate_hd(deflater_.get(), reinterpret_cast<std::uint8_t*>(out.data()) + before,
                                             most, list.data(), list.size());
  LOAM_ASSERT(written >= 0);
  out.resize(before + static_cast<std::size_t>(written));
}

}  // namespace loam::http
