#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http/http1_head.h"

namespace loam::http {

/// How far a message's body reaches.
struct BodyPlan {
  enum class Kind : std::uint8_t { Length, Chunked, UntilEnd };
  Kind kind = Kind::Length;
  std::uint64_t length = 0;
};

/// Of a request: by Transfer-Encoding, then Content-Length, else none.
BodyPlan requestBody(const HeadFacts& facts);
/// Of a final response that is no tunnel. `toHead`: it answers HEAD.
BodyPlan responseBody(const ResponseHead& head, bool toHead);

/// Follows one body through bytes in pieces of any size. Chunk extensions and trailers are bounded (strict 256 B a
/// chunk, 8 KiB each a message; tolerant 64 KiB each a message); tolerant takes bare LF and blanks around a chunk's
/// size.
class BodyReader {
 public:
  enum class State : std::uint8_t { Open, Done, Failed };

  BodyReader() = default;
  BodyReader(BodyPlan plan, Strictness strictness);

  struct Step {
    std::size_t consumed = 0;  ///< of the bytes given, content and framing
    std::string_view content;  ///< the content among them, without framing
  };
  /// Takes bytes up to and with the next run of content; call again while the state is Open and bytes are left.
  Step step(std::string_view bytes);
  /// Takes all that belongs to the body and returns how many that are.
  std::size_t consume(std::string_view bytes);

  State state() const { return state_; }
  bool untilEnd() const { return phase_ == Phase::UntilEnd; }
  /// Bytes from here that are content for sure; ~0 when the body lasts until the connection ends.
  std::uint64_t knownContent() const;
  /// `count` of them went by unseen.
  void skip(std::uint64_t count);

 private:
  enum class Phase : std::uint8_t {
    Length,
    UntilEnd,
    SizeFirst,
    Size,
    SizeBlank,
    Extension,
    SizeLf,
    Content,
    ContentCr,
    ContentLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
  };

  bool strict() const { return strictness_ == Strictness::Strict; }
  void takeContent(std::uint64_t count);
  void takeFraming(char c);
  void takeSize(char c);
  void takeExtension(char c);
  void takeTrailer(char c);
  void sizeDone();
  bool count(std::uint32_t& counter, std::uint32_t most);
  void fail() { state_ = State::Failed; }

  std::uint64_t left_ = 0;
  std::uint32_t extensionBytes_ = 0;
  std::uint32_t trailerBytes_ = 0;
  std::uint16_t chunkExtension_ = 0;
  std::uint8_t digits_ = 0;
  Phase phase_ = Phase::Length;
  State state_ = State::Done;
  Strictness strictness_ = Strictness::Strict;
  bool quoted_ = false;
  bool escaped_ = false;
};

}  // namespace loam::http
