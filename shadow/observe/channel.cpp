#include "shadow/observe/channel.h"

#include <algorithm>
#include <cstring>

#include "shadow/observe/text_hash.h"

namespace loam::observe {

Channel::Channel(std::uint64_t seed, std::size_t records, std::size_t texts)
    : seed_(seed), records_(records), texts_(texts) {}

bool Channel::pushBacklog() {
  while (backlogFrom_ < backlog_.size()) {
    if (!records_.push(backlog_[backlogFrom_])) return false;
    ++backlogFrom_;
  }
  backlog_.clear();
  backlogFrom_ = 0;
  return true;
}

bool Channel::push(const Observation& record) {
  if ((backlog_.empty() || pushBacklog()) && records_.push(record)) return true;
  const bool life =
      record.kind == RecordKind::Opened || record.kind == RecordKind::Security || record.kind == RecordKind::Closed;
  if (backlog() >= (life ? kMostBacklog : kMostBacklog / 2)) return false;
  if (backlog_.size() >= 2 * kMostBacklog) {
    backlog_.erase(backlog_.begin(), backlog_.begin() + static_cast<std::ptrdiff_t>(backlogFrom_));
    backlogFrom_ = 0;
  }
  backlog_.push_back(record);
  return true;
}

std::uint64_t Channel::intern(std::string_view left, std::string_view right) {
  std::array<char, Text::kMostText> joined;
  std::string_view text = left.substr(0, Text::kMostText);
  if (!right.empty()) {
    std::size_t size = std::min(left.size(), joined.size() - 1);
    std::memcpy(joined.data(), left.data(), size);
    joined[size++] = ' ';
    const std::size_t rest = std::min(right.size(), joined.size() - size);
    std::memcpy(joined.data() + size, right.data(), rest);
    text = {joined.data(), size + rest};
  }
  const std::uint64_t hash = textHash(text, seed_);
  if (sent_[hash % sent_.size()] != hash) send(hash, text);
  return hash;
}

void Channel::send(std::uint64_t hash, std::string_view text) {
  Text* slot = texts_.claim();
  if (slot == nullptr) return;  // the next exchange tries again; until then its route is "other"
  slot->hash = hash;
  slot->size = static_cast<std::uint16_t>(text.size());
  std::memcpy(slot->bytes.data(), text.data(), text.size());
  texts_.publish();
  sent_[hash % sent_.size()] = hash;
}

void Channel::refresh(Monotonic now) {
  pushBacklog();
  if (now - sentSince_ < kTextsKnownFor) return;
  sent_.fill(0);
  sentSince_ = now;
}

}  // namespace loam::observe
