#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "proxy/http/header_field.h"

namespace loam::http {

/// Strict: RFC 9112 to the letter, for whoever serves or forwards. Tolerant: what real old software sends and gets away
/// with (bare LF, folded lines, odd spacing, no Host, any method), for whoever only watches; doubt about framing fails
/// in both.
enum class Strictness : std::uint8_t { Strict, Tolerant };

/// Why a head was refused.
enum class HeadFault : std::uint8_t {
  None,
  Incomplete,  ///< no empty line
  StartLine,
  Method,
  Target,
  Version,  ///< well formed but neither 1.0 nor 1.1
  BareLf,
  BareCr,
  FieldName,  ///< no colon, empty, not a token, space before the colon
  ObsFold,
  FieldValue,        ///< a control byte
  ContentLength,     ///< not digits, too great, several that differ (strict: several)
  TransferEncoding,  ///< not exactly one `chunked` (tolerant: its framing is in doubt)
  BothLengths,       ///< Content-Length beside Transfer-Encoding
  Host,              ///< missing in 1.1, or several
  LineTooLong,
  TooManyFields,
};
constexpr std::size_t kHeadFaults = static_cast<std::size_t>(HeadFault::TooManyFields) + 1;
/// "bare_lf", "both_lengths", ...: the label of counters and logs.
std::string_view name(HeadFault fault);
/// The status that answers such a request: 400, 414, 431 or 505.
int statusFor(HeadFault fault);

constexpr std::size_t kMostFields = 256;
constexpr std::size_t kMostStartLine = 8 * 1024;  ///< strict
constexpr std::size_t kMostStrictFields = 100;    ///< of a control-side server
constexpr std::size_t kMostHead = 64 * 1024;      ///< for callers: the parser takes what it is given

enum class Expectation : std::uint8_t { None, Continue, Unknown };

/// What the fields say about the message's frame and the connection.
struct HeadFacts {
  std::optional<std::uint64_t> contentLength;
  bool chunked = false;      ///< Transfer-Encoding ends in chunked
  bool otherCoding = false;  ///< tolerant: Transfer-Encoding without chunked at its end
  bool keepAlive = true;     ///< by version and Connection
  bool upgrade = false;      ///< Connection: upgrade
  Expectation expectation = Expectation::None;
  std::string_view host;       ///< first Host
  std::string_view upgradeTo;  ///< first Upgrade
  std::string_view http2Settings;
};

/// Views point into the bytes that were parsed; `fields` into the array given.
struct RequestHead {
  std::string_view method;
  std::string_view target;
  std::uint8_t minorVersion = 1;
  std::span<const HeaderField> fields;
  HeadFacts facts;
  std::size_t length = 0;  ///< bytes, the empty line included
};

struct ResponseHead {
  std::uint16_t status = 0;
  std::string_view reason;
  std::uint8_t minorVersion = 1;
  std::span<const HeaderField> fields;
  HeadFacts facts;
  std::size_t length = 0;  ///< bytes, the empty line included
};

/// Finds where a head ends while its bytes come in pieces of any size: every byte is looked at once.
class HeadScanner {
 public:
  static constexpr std::size_t kNotYet = ~std::size_t{0};

  /// Bytes of `piece` that belong to the head, its empty line included, or kNotYet when it does not end here. The
  /// caller drops line ends that stand before a head's first byte.
  std::size_t scan(std::string_view piece);
  void reset() { state_ = State::InLine; }

 private:
  enum class State : std::uint8_t { InLine, AfterLf, AfterLfCr };
  State state_ = State::InLine;
};

/// Parses the head that `bytes` start with, from its first byte to its empty line; what follows is not looked at. No
/// allocation. In tolerant mode fields past the array's
/// end still count for the facts and a folded value keeps its line ends.
HeadFault parseRequestHead(std::string_view bytes, Strictness strictness, std::span<HeaderField> array,
                           RequestHead& out);
HeadFault parseResponseHead(std::string_view bytes, Strictness strictness, std::span<HeaderField> array,
                            ResponseHead& out);

/// Value of the first field of that name (any case), empty when absent.
std::string_view find(std::span<const HeaderField> fields, std::string_view lowerName);
/// Whether a request of this method, sent twice, means what it means once (RFC 9110 9.2.2).
bool isIdempotent(std::string_view method);
/// Whether two names are the same but for ASCII case; `lower` is lower case.
bool equalsFolded(std::string_view text, std::string_view lower);
/// Whether a comma separated list has that token, any case.
bool hasToken(std::string_view list, std::string_view lowerToken);

}  // namespace loam::http
