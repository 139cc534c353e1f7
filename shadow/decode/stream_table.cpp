#include "shadow/decode/stream_table.h"

#include <algorithm>
#include <utility>

#include "proxy/base/assert.h"

namespace loam::decode {

std::vector<OpenStream>::iterator StreamTable::place(std::uint32_t id) {
  return std::lower_bound(streams_.begin(), streams_.end(), id,
                          [](const OpenStream& stream, std::uint32_t wanted) { return stream.id < wanted; });
}

OpenStream* StreamTable::open(std::uint32_t id, std::string_view method, std::string_view path) {
  LOAM_ASSERT(streams_.empty() || streams_.back().id < id);
  method = method.substr(0, kLongestMethod);
  path = path.substr(0, kLongestPath);
  if (streams_.size() == kMost || textSize_ + method.size() + path.size() > kMostText) return nullptr;
  OpenStream& stream = streams_.emplace_back();
  stream.id = id;
  stream.text.reserve(method.size() + path.size());
  stream.text.append(method).append(path);
  stream.methodSize = static_cast<std::uint16_t>(method.size());
  textSize_ += stream.text.size();
  return &stream;
}

OpenStream* StreamTable::find(std::uint32_t id) {
  const auto found = place(id);
  return found != streams_.end() && found->id == id ? &*found : nullptr;
}

OpenStream StreamTable::close(std::uint32_t id) {
  const auto found = place(id);
  LOAM_ASSERT(found != streams_.end() && found->id == id);
  OpenStream stream = std::move(*found);
  streams_.erase(found);
  textSize_ -= stream.text.size();
  if (streams_.empty()) std::vector<OpenStream>().swap(streams_);
  return stream;
}

std::vector<OpenStream> StreamTable::takeAll() {
  textSize_ = 0;
  return std::exchange(streams_, {});
}

}  // namespace loam::decode
