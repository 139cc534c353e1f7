#include "proxy/http/http1_body.h"

#include <algorithm>

#include "proxy/http/http1_chars.h"

namespace loam::http {
namespace {

constexpr std::uint16_t kMostChunkExtension = 256;
constexpr std::uint32_t kMostStrictFraming = 8 * 1024;
constexpr std::uint32_t kMostTolerantFraming = 64 * 1024;
constexpr std::uint8_t kMostSizeDigits = 16;

int hexDigit(char c) {
  if (isDigit(c)) return c - '0';
  const char folded = lower(c);
  return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

}  // namespace

BodyPlan requestBody(const HeadFacts& facts) {
  if (facts.chunked) return {BodyPlan::Kind::Chunked, 0};
  return {BodyPlan::Kind::Length, facts.contentLength.value_or(0)};
}

BodyPlan responseBody(const ResponseHead& head, bool toHead) {
  if (toHead || head.status < 200 || head.status == 204 || head.status == 304) return {BodyPlan::Kind::Length, 0};
  if (head.facts.chunked) return {BodyPlan::Kind::Chunked, 0};
  if (head.facts.contentLength) return {BodyPlan::Kind::Length, *head.facts.contentLength};
  return {BodyPlan::Kind::UntilEnd, 0};
}

BodyReader::BodyReader(BodyPlan plan, Strictness strictness) : strictness_(strictness) {
  state_ = State::Open;
  switch (plan.kind) {
    case BodyPlan::Kind::Length:
      left_ = plan.length;
      if (left_ == 0) state_ = State::Done;
      break;
    case BodyPlan::Kind::Chunked:
      phase_ = Phase::SizeFirst;
      break;
    case BodyPlan::Kind::UntilEnd:
      phase_ = Phase::UntilEnd;
      break;
  }
}

BodyReader::Step BodyReader::step(std::string_view bytes) {
  Step step;
  while (state_ == State::Open && step.consumed < bytes.size()) {
    if (const std::uint64_t known = knownContent(); known > 0) {
      step.content = bytes.substr(step.consumed, std::min<std::uint64_t>(known, bytes.size()));
      step.consumed += step.content.size();
      takeContent(step.content.size());
      return step;
    }
    takeFraming(bytes[step.consumed++]);
  }
  return step;
}

std::size_t BodyReader::consume(std::string_view bytes) {
  std::size_t consumed = 0;
  while (state_ == State::Open && consumed < bytes.size()) consumed += step(bytes.substr(consumed)).consumed;
  return consumed;
}

std::uint64_t BodyReader::knownContent() const {
  if (state_ != State::Open) return 0;
  if (phase_ == Phase::UntilEnd) return ~std::uint64_t{0};
  return phase_ == Phase::Length || phase_ == Phase::Content ? left_ : 0;
}

void BodyReader::skip(std::uint64_t count) {
  if (count > knownContent()) return fail();
  takeContent(count);
}

void BodyReader::takeContent(std::uint64_t count) {
  if (phase_ == Phase::UntilEnd) return;
  left_ -= count;
  if (left_ > 0) return;
  if (phase_ == Phase::Length) {
    state_ = State::Done;
  } else {
    phase_ = Phase::ContentCr;
  }
}

void BodyReader::takeFraming(char c) {
  const bool looseLf = c == '\n' && !strict();
  switch (phase_) {
    case Phase::SizeFirst:
    case Phase::Size:
    case Phase::SizeBlank:
      return takeSize(c);
    case Phase::Extension:
      return takeExtension(c);
    case Phase::SizeLf:
      return c == '\n' ? sizeDone() : fail();
    case Phase::ContentCr:
      if (c == '\r')
        phase_ = Phase::ContentLf;
      else if (looseLf)
        phase_ = Phase::SizeFirst;
      else
        fail();
      return;
    case Phase::ContentLf:
      if (c != '\n') return fail();
      phase_ = Phase::SizeFirst;
      return;
    case Phase::LastLf:
      if (c != '\n') return fail();
      state_ = State::Done;
      return;
    default:
      return takeTrailer(c);
  }
}

void BodyReader::takeSize(char c) {
  if (const int digit = hexDigit(c); digit >= 0 && phase_ != Phase::SizeBlank) {
    digits_ = phase_ == Phase::SizeFirst ? 1 : static_cast<std::uint8_t>(digits_ + 1);
    if (phase_ == Phase::SizeFirst) left_ = 0;
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    phase_ = Phase::Size;
    // A size past 2^63-1 is no size.
    if (digits_ > kMostSizeDigits || left_ >> 63 != 0) fail();
    return;
  }
  if (phase_ == Phase::SizeFirst) {
    if (strict() || !isBlank(c) || !count(extensionBytes_, kMostTolerantFraming)) fail();
    return;
  }
  if (c == '\r') {
    phase_ = Phase::SizeLf;
  } else if (c == ';') {
    chunkExtension_ = 0;
    quoted_ = escaped_ = false;
    phase_ = Phase::Extension;
  } else if (c == '\n' && !strict()) {
    sizeDone();
  } else if (isBlank(c) && !strict() && count(extensionBytes_, kMostTolerantFraming)) {
    phase_ = Phase::SizeBlank;
  } else {
    fail();
  }
}

void BodyReader::takeExtension(char c) {
  if (!count(extensionBytes_, strict() ? kMostStrictFraming : kMostTolerantFraming)) return fail();
  if (!strict()) {
    if (c == '\r') phase_ = Phase::SizeLf;
    if (c == '\n') sizeDone();
    return;
  }
  if (++chunkExtension_ > kMostChunkExtension) return fail();
  if (quoted_) {
    if (isControl(c)) return fail();
    if (c == '"' && !escaped_) quoted_ = false;
    escaped_ = c == '\\' && !escaped_;
  } else if (c == '\r') {
    phase_ = Phase::SizeLf;
  } else if (c == '"') {
    quoted_ = true;
  } else if (!isTokenByte(c) && c != ';' && c != '=' && !isBlank(c)) {
    fail();
  }
}

void BodyReader::sizeDone() { phase_ = left_ == 0 ? Phase::TrailerStart : Phase::Content; }

void BodyReader::takeTrailer(char c) {
  if (!count(trailerBytes_, strict() ? kMostStrictFraming : kMostTolerantFraming)) return fail();
  if (phase_ == Phase::TrailerLf) {
    if (c == '\n')
      phase_ = Phase::TrailerStart;
    else if (strict())
      fail();
    else
      phase_ = Phase::TrailerValue;
    return;
  }
  if (c == '\n') {
    if (strict()) return fail();
    if (phase_ == Phase::TrailerStart) state_ = State::Done;
    phase_ = Phase::TrailerStart;
    return;
  }
  if (c == '\r') {
    if (phase_ == Phase::TrailerName && strict()) return fail();
    phase_ = phase_ == Phase::TrailerStart ? Phase::LastLf : Phase::TrailerLf;
    return;
  }
  if (phase_ == Phase::TrailerValue) {
    if (strict() && isControl(c)) fail();
    return;
  }
  if (strict() && !isTokenByte(c) && (c != ':' || phase_ == Phase::TrailerStart)) return fail();
  phase_ = c == ':' ? Phase::TrailerValue : Phase::TrailerName;
}

bool BodyReader::count(std::uint32_t& counter, std::uint32_t most) { return ++counter <= most; }

}  // namespace loam::http
