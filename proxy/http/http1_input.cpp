#include "proxy/http/http1_input.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace loam::http {

namespace {

constexpr std::size_t kHeadPiece = 4 * 1024;  // what an idle connection holds
constexpr std::size_t kBodyPiece = 16 * 1024;

}  // namespace

std::string_view name(Receipt receipt) {
  constexpr std::array<std::string_view, 9> kNames = {
      "complete", "ended", "cut", "late", "idle", "line_too_long", "head_too_long", "body_too_long", "bad_framing"};
  return kNames[static_cast<std::size_t>(receipt)];
}

io::Task<Result<std::size_t>> Http1Input::fill(std::size_t most, Monotonic deadline) {
  bytes_.erase(0, std::exchange(used_, 0));
  const std::size_t held = bytes_.size();
  bytes_.resize(held + most);
  const std::span<std::uint8_t> room(reinterpret_cast<std::uint8_t*>(bytes_.data()) + held, most);
  const auto count = co_await stream_.read(room, deadline);
  bytes_.resize(held + count.value_or(0));
  if (!count && count.error().code != ErrorCode::Timeout) failure_ = count.error();
  co_return count;
}

io::Task<Receipt> Http1Input::readHead(std::string_view& head, Monotonic idle, milliseconds patience) {
  constexpr std::string_view kLineEnd = "\r\n";
  HeadScanner scanner;
  std::size_t scanned = 0;
  Monotonic deadline = empty() ? idle : stream_.loop().now() + patience;
  bool atStart = true;
  for (;;) {
    // One empty line before a start line is what old clients leave behind a body.
    if (atStart && rest().size() >= kLineEnd.size()) {
      if (rest().starts_with(kLineEnd)) used_ += kLineEnd.size();
      atStart = false;
    }
    if (!atStart) {
      const std::size_t length = scanner.scan(rest().substr(scanned));
      if (length != HeadScanner::kNotYet) {
        head = rest().substr(0, scanned + length);
        used_ += head.size();
        co_return head.size() > kMostHead ? Receipt::HeadTooLong : Receipt::Complete;
      }
      scanned = rest().size();
      if (scanned > kMostStartLine && rest().find('\n') == std::string_view::npos) co_return Receipt::LineTooLong;
      if (scanned > kMostHead) co_return Receipt::HeadTooLong;
    }
    const bool fresh = empty();
    const auto count = co_await fill(kHeadPiece, deadline);
    if (!count && count.error().code == ErrorCode::Timeout) co_return fresh ? Receipt::Idle : Receipt::Late;
    if (!count || *count == 0) co_return fresh ? Receipt::Ended : Receipt::Cut;
    if (fresh) deadline = stream_.loop().now() + patience;
  }
}

io::Task<Receipt> Http1Input::readBody(BodyPlan plan, std::size_t most, Monotonic deadline, std::string& body) {
  if (plan.kind == BodyPlan::Kind::Length && plan.length > most) co_return Receipt::BodyTooLong;
  BodyReader reader(plan, Strictness::Strict);
  for (;;) {
    while (reader.state() == BodyReader::State::Open && !empty()) {
      const auto step = reader.step(rest());
      if (step.content.size() > most - body.size()) co_return Receipt::BodyTooLong;
      body.append(step.content);
      used_ += step.consumed;
    }
    if (reader.state() == BodyReader::State::Failed) co_return Receipt::BadFraming;
    if (reader.state() == BodyReader::State::Done) co_return Receipt::Complete;
    const auto count = co_await fill(kBodyPiece, deadline);
    if (!count) co_return count.error().code == ErrorCode::Timeout ? Receipt::Late : Receipt::Cut;
    if (*count == 0) co_return reader.untilEnd() ? Receipt::Complete : Receipt::Cut;
  }
}

io::Task<Receipt> Http1Input::readPieces(BodyPlan plan, milliseconds silence,
                                         std::function<bool(std::string_view)> take) {
  BodyReader reader(plan, Strictness::Strict);
  for (;;) {
    while (reader.state() == BodyReader::State::Open && !empty()) {
      const auto step = reader.step(rest());
      const bool more = step.content.empty() || take(step.content);
      used_ += step.consumed;
      if (!more) co_return Receipt::Complete;
    }
    if (reader.state() == BodyReader::State::Failed) co_return Receipt::BadFraming;
    if (reader.state() == BodyReader::State::Done) co_return Receipt::Complete;
    const auto count = co_await fill(kBodyPiece, stream_.loop().now() + silence);
    if (!count) co_return count.error().code == ErrorCode::Timeout ? Receipt::Late : Receipt::Cut;
    if (*count == 0) co_return reader.untilEnd() ? Receipt::Complete : Receipt::Cut;
  }
}

io::Task<void> Http1Input::drain(Monotonic deadline) {
  constexpr std::size_t kMost = 64 * 1024;
  for (std::size_t dropped = 0; dropped < kMost;) {
    bytes_.clear();
    used_ = 0;
    const auto count = co_await fill(kBodyPiece, deadline);
    if (!count || *count == 0) co_return;
    dropped += *count;
  }
}

}  // namespace loam::http
