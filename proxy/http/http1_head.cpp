#include "proxy/http/http1_head.h"

#include <algorithm>

#include "proxy/http/http1_chars.h"
#include "proxy/http/http1_facts.h"

namespace loam::http {
namespace {

constexpr std::string_view kVersionPrefix = "HTTP/";

/// Walks over one head; each step returns a fault or None and moves `at`.
class Cursor {
 public:
  Cursor(std::string_view head, Strictness strictness)
      : at_(head.data()), end_(head.data() + head.size()), strictness_(strictness) {}

  bool strict() const { return strictness_ == Strictness::Strict; }

  /// Takes a line without its end. Strict: the end is CRLF and no control byte stands before it.
  HeadFault takeLine(std::string_view& line) {
    if (!strict()) return takeTolerantLine(line);
    const char* stop = findControl(at_, end_);
    if (stop == end_) return HeadFault::Incomplete;
    if (*stop == '\n') return HeadFault::BareLf;
    if (*stop != '\r') return HeadFault::FieldValue;
    if (stop + 1 == end_) return HeadFault::Incomplete;
    if (stop[1] != '\n') return HeadFault::BareCr;
    line = std::string_view(at_, stop);
    at_ = stop + 2;
    return HeadFault::None;
  }

  HeadFault takeFields(std::span<HeaderField> array, std::span<const HeaderField>& fields, FactReader& reader,
                       HeadFacts& facts);
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

 private:
  HeadFault takeTolerantLine(std::string_view& line) {
    if (at_ == end_) return HeadFault::Incomplete;
    const char* feed = findByte(at_, end_, '\n');
    if (feed == end_) return HeadFault::Incomplete;
    line = std::string_view(at_, feed);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    at_ = feed + 1;
    return HeadFault::None;
  }

  bool atEmptyLine() {
    if (at_ == end_ || *at_ > '\r') return false;
    if (*at_ == '\r' && at_ + 1 != end_ && at_[1] == '\n') return at_ += 2, true;
    return !strict() && *at_ == '\n' && (++at_, true);
  }

  HeadFault takeStrictField(HeaderField& field);
  HeadFault takeTolerantField(HeaderField& field, bool kept);

  const char* at_;
  const char* end_;
  Strictness strictness_;
};

HeadFault Cursor::takeStrictField(HeaderField& field) {
  if (at_ != end_ && isBlank(*at_)) return HeadFault::ObsFold;
  const char* name = at_;
  while (at_ != end_ && isTokenByte(*at_)) ++at_;
  if (at_ == end_ || (*at_ == '\r' && at_ + 1 == end_)) return HeadFault::Incomplete;
  if (*at_ == '\n') return HeadFault::BareLf;
  if (*at_ != ':' || at_ == name) return HeadFault::FieldName;
  field.name = std::string_view(name, at_);
  ++at_;
  while (at_ != end_ && isBlank(*at_)) ++at_;
  if (const HeadFault fault = takeLine(field.value); fault != HeadFault::None) return fault;
  while (!field.value.empty() && isBlank(field.value.back())) field.value.remove_suffix(1);
  return HeadFault::None;
}

/// A line without a colon gives an empty name: it is passed over, as servers do that let it through; so is a field that
/// says no fact unless it is `kept`.
HeadFault Cursor::takeTolerantField(HeaderField& field, bool kept) {
  const char* const start = at_;
  if (isBlank(*start)) return HeadFault::ObsFold;
  const char* colon = findEither(start, end_, ':', '\n');
  const char* feed = findByte(colon, end_, '\n');
  // A folded field goes on over the lines that start with a blank.
  while (feed != end_ && feed + 1 != end_ && isBlank(feed[1])) feed = findByte(feed + 1, end_, '\n');
  if (feed == end_) return HeadFault::Incomplete;
  at_ = feed + 1;
  if (*colon != ':') colon = findByte(colon, feed, ':');
  if (colon == start) return HeadFault::FieldName;
  if (colon == feed) return HeadFault::None;
  if (!kept && *start > ' ' && colon[-1] > ' ' && !FactReader::mayTake({start, colon})) return HeadFault::None;
  field.name = trim({start, colon});
  field.value = trim({colon + 1, feed});
  return HeadFault::None;
}

HeadFault Cursor::takeFields(std::span<HeaderField> array, std::span<const HeaderField>& fields, FactReader& reader,
                             HeadFacts& facts) {
  const std::size_t room = array.size();
  std::size_t count = 0;
  while (!atEmptyLine()) {
    if (at_ == end_) return HeadFault::Incomplete;
    HeaderField field;
    HeadFault fault = strict() ? takeStrictField(field) : takeTolerantField(field, count < room);
    if (fault != HeadFault::None) return fault;
    if (field.name.empty()) continue;
    if (FactReader::mayTake(field.name)) fault = reader.take(field, facts);
    if (fault != HeadFault::None) return fault;
    if (count < room) {
      array[count++] = field;
    } else if (strict()) {
      return HeadFault::TooManyFields;
    }
  }
  fields = array.first(count);
  return HeadFault::None;
}

/// "HTTP/1.0" and "HTTP/1.1"; tolerant: any 1.x.
HeadFault parseVersion(std::string_view text, bool strict, std::uint8_t& minorVersion) {
  if (text.size() != 8 || !text.starts_with(kVersionPrefix)) return HeadFault::StartLine;
  if (!isDigit(text[5]) || text[6] != '.' || !isDigit(text[7])) return HeadFault::StartLine;
  if (text[5] != '1' || (strict && text[7] > '1')) return HeadFault::Version;
  minorVersion = static_cast<std::uint8_t>(text[7] - '0');
  return HeadFault::None;
}

HeadFault parseStrictRequestLine(std::string_view line, RequestHead& out) {
  if (line.size() > kMostStartLine) return HeadFault::LineTooLong;
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return HeadFault::StartLine;
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  if (out.method.empty() || !std::all_of(out.method.begin(), out.method.end(), isTokenByte)) return HeadFault::Method;
  const auto visible = [](char c) { return c > ' ' && c < 0x7f && c != '#'; };
  if (out.target.empty() || !std::all_of(out.target.begin(), out.target.end(), visible)) return HeadFault::Target;
  return parseVersion(line.substr(last + 1), true, out.minorVersion);
}

HeadFault parseTolerantRequestLine(std::string_view line, RequestHead& out) {
  line = trim(line);
  const auto first = std::find_if(line.begin(), line.end(), isBlank);
  const auto last = std::find_if(line.rbegin(), line.rend(), isBlank).base();  // behind it
  if (first == line.end() || first + 1 == last) return HeadFault::StartLine;
  out.method = std::string_view(line.begin(), first);
  out.target = trim(std::string_view(first, last));
  if (out.target.empty()) return HeadFault::StartLine;
  const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
  if (!std::all_of(out.method.begin(), out.method.end(), visible)) return HeadFault::Method;
  return parseVersion(std::string_view(last, line.end()), false, out.minorVersion);
}

HeadFault parseStatusLine(std::string_view line, bool strict, ResponseHead& out) {
  if (strict && line.size() > kMostStartLine) return HeadFault::LineTooLong;
  if (const HeadFault fault = parseVersion(line.substr(0, 8), strict, out.minorVersion); fault != HeadFault::None) {
    return fault;
  }
  std::string_view rest = line.substr(8);
  const std::size_t digits = std::min(rest.find_first_not_of(strict ? " " : " \t"), rest.size());
  if (digits == 0 || (strict && digits != 1)) return HeadFault::StartLine;
  rest.remove_prefix(digits);
  if (rest.size() < 3 || rest[0] < '1' || !std::all_of(rest.begin(), rest.begin() + 3, isDigit)) {
    return HeadFault::StartLine;
  }
  if (rest.size() > 3 && !isBlank(rest[3])) return HeadFault::StartLine;
  out.status = static_cast<std::uint16_t>((rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0'));
  out.reason = rest.size() > 4 ? rest.substr(4) : std::string_view();
  return HeadFault::None;
}

template <class Head>
HeadFault parseRest(Cursor& cursor, std::string_view bytes, bool request, std::span<HeaderField> array, Head& out) {
  FactReader reader(cursor.strict() ? Strictness::Strict : Strictness::Tolerant);
  const HeadFault fault = cursor.takeFields(array, out.fields, reader, out.facts);
  out.length = bytes.size() - cursor.left();
  return fault != HeadFault::None ? fault : reader.finish(request, out.minorVersion, out.facts);
}

}  // namespace

std::size_t HeadScanner::scan(std::string_view piece) {
  const char* at = piece.data();
  const char* const end = at + piece.size();
  State state = state_;
  while (at != end) {
    if (state == State::InLine) {
      at = findByte(at, end, '\n');
      if (at == end) break;
      ++at;
      state = State::AfterLf;
      continue;
    }
    const char c = *at++;
    if (c == '\n') return static_cast<std::size_t>(at - piece.data());
    state = c == '\r' && state == State::AfterLf ? State::AfterLfCr : State::InLine;
  }
  state_ = state;
  return kNotYet;
}

HeadFault parseRequestHead(std::string_view bytes, Strictness strictness, std::span<HeaderField> array,
                           RequestHead& out) {
  out = RequestHead();
  Cursor cursor(bytes, strictness);
  std::string_view line;
  HeadFault fault = cursor.takeLine(line);
  if (fault == HeadFault::FieldValue) return HeadFault::StartLine;
  if (fault != HeadFault::None) return fault;
  fault = cursor.strict() ? parseStrictRequestLine(line, out) : parseTolerantRequestLine(line, out);
  return fault != HeadFault::None ? fault : parseRest(cursor, bytes, true, array, out);
}

HeadFault parseResponseHead(std::string_view bytes, Strictness strictness, std::span<HeaderField> array,
                            ResponseHead& out) {
  out = ResponseHead();
  Cursor cursor(bytes, strictness);
  std::string_view line;
  HeadFault fault = cursor.takeLine(line);
  if (fault == HeadFault::FieldValue) return HeadFault::StartLine;
  if (fault != HeadFault::None) return fault;
  fault = parseStatusLine(line, cursor.strict(), out);
  return fault != HeadFault::None ? fault : parseRest(cursor, bytes, false, array, out);
}

}  // namespace loam::http
