#include "shadow/decode/frame_reader.h"

namespace loam::decode {

bool FrameReader::fill(ByteCursor& cursor, std::size_t want) {
  const Bytes taken = cursor.take(want - size_);
  std::copy(taken.begin(), taken.end(), held_.begin() + size_);
  size_ = static_cast<std::uint8_t>(size_ + taken.size());
  return size_ == want;
}

FrameReader::Step FrameReader::advance(ByteCursor& cursor, Monotonic now) {
  switch (stage_) {
    case Stage::Idle:
      if (cursor.empty()) return Step::NeedMore;
      began_ = now;
      size_ = 0;
      keep_ = 0;
      headerSize_ = nextHeaderSize_;
      stage_ = Stage::Header;
      [[fallthrough]];
    case Stage::Header:
      if (!fill(cursor, headerSize_)) return Step::NeedMore;
      stage_ = Stage::Head;
      return Step::Header;
    case Stage::Head:
      if (!fill(cursor, std::size_t{headerSize_} + keep_)) return Step::NeedMore;
      stage_ = Stage::Rest;
      return Step::Head;
    case Stage::Rest:
      rest_ -= cursor.take(rest_).size();
      if (rest_ > 0) return Step::NeedMore;
      stage_ = Stage::Idle;
      return Step::End;
  }
  return Step::NeedMore;
}

void FrameReader::payload(std::uint64_t length, std::size_t kept) {
  keep_ = static_cast<std::uint8_t>(std::min<std::uint64_t>({length, kept, kMostKept - headerSize_}));
  rest_ = length - keep_;
}

}  // namespace loam::decode
