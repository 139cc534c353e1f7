#include <cstdlib>
#include <vector>

#include "proxy/http/http1_body.h"
#include "proxy/http/http1_head.h"

namespace {

using namespace loam::http;

void require(bool condition) {
  if (!condition) std::abort();
}

/// What strict takes, tolerant takes too and reads alike.
template <class Head, class Parse>
void compare(std::string_view text, Parse parse) {
  std::vector<HeaderField> strictFields(kMostFields);
  std::vector<HeaderField> tolerantFields(kMostFields);
  Head strict;
  Head tolerant;
  const HeadFault strictFault = parse(text, Strictness::Strict, strictFields, strict);
  const HeadFault tolerantFault = parse(text, Strictness::Tolerant, tolerantFields, tolerant);
  if (strictFault != HeadFault::None) return;
  require(tolerantFault == HeadFault::None && strict.fields.size() == tolerant.fields.size());
  for (std::size_t i = 0; i < strict.fields.size(); ++i) {
    require(strict.fields[i].name == tolerant.fields[i].name && strict.fields[i].value == tolerant.fields[i].value);
  }
  require(strict.facts.contentLength == tolerant.facts.contentLength && strict.facts.chunked == tolerant.facts.chunked);
  require(strict.facts.keepAlive == tolerant.facts.keepAlive && strict.facts.host == tolerant.facts.host);
  require(!(strict.facts.chunked && strict.facts.contentLength));
}

std::size_t endByPieces(std::string_view text, std::size_t piece) {
  HeadScanner scanner;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::size_t found = scanner.scan(text.substr(at, piece));
    if (found != HeadScanner::kNotYet) return at + found;
  }
  return HeadScanner::kNotYet;
}

void readBody(std::string_view text, Strictness strictness) {
  BodyReader whole({BodyPlan::Kind::Chunked, 0}, strictness);
  BodyReader bytewise({BodyPlan::Kind::Chunked, 0}, strictness);
  const std::size_t consumed = whole.consume(text);
  std::size_t one = 0;
  while (one < text.size() && bytewise.state() == BodyReader::State::Open) one += bytewise.consume(text.substr(one, 1));
  require(consumed == one && whole.state() == bytewise.state() && whole.knownContent() == bytewise.knownContent());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // A copy of its own, so that a look past the end is a sanitizer's catch.
  const std::vector<char> exact(bytes, bytes + size);
  const std::string_view text(exact.data(), exact.size());
  compare<RequestHead>(text, parseRequestHead);
  compare<ResponseHead>(text, parseResponseHead);
  const std::size_t end = endByPieces(text, text.size() + 1);
  require(endByPieces(text, 1) == end && endByPieces(text, 3) == end);
  readBody(text, Strictness::Strict);
  readBody(text, Strictness::Tolerant);
  return 0;
}
