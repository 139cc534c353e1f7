#include "shadow/decode/redis_decoder.h"

#include <algorithm>

namespace loam::decode {
namespace {

constexpr std::uint64_t kMostNames = 0xFFFF;  // of one subscription

std::string_view asText(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Whether `bytes` starts with `word`, as far as both go.
Match startsWith(std::string_view bytes, std::string_view word) {
  const std::size_t size = std::min(bytes.size(), word.size());
  if (bytes.substr(0, size) != word.substr(0, size)) return Match::No;
  return size == word.size() ? Match::Yes : Match::NeedMore;
}

/// "<1 to 9 digits>\r\n" at the start of `text`, which is taken off it.
Match takeNumberLine(std::string_view& text) {
  constexpr std::size_t kMostDigits = 9;
  std::size_t digits = 0;
  while (digits < text.size() && isDigit(text[digits])) ++digits;
  if (digits > kMostDigits) return Match::No;
  if (digits == text.size()) return Match::NeedMore;
  if (digits == 0) return Match::No;
  const Match end = startsWith(text.substr(digits), "\r\n");
  if (end == Match::Yes) text.remove_prefix(digits + 2);
  return end;
}

/// "*2\r\n$3\r\nG": an array whose first element starts with a letter.
Match matchArray(std::string_view text) {
  text.remove_prefix(1);
  if (text.starts_with('0')) return Match::No;
  if (const Match count = takeNumberLine(text); count != Match::Yes) return count;
  if (text.empty()) return Match::NeedMore;
  if (text.front() != '$') return Match::No;
  text.remove_prefix(1);
  if (text.starts_with('0')) return Match::No;
  if (const Match length = takeNumberLine(text); length != Match::Yes) return length;
  if (text.empty()) return Match::NeedMore;
  const char letter = static_cast<char>(text.front() | 0x20);
  return letter >= 'a' && letter <= 'z' ? Match::Yes : Match::No;
}

Match matchAny(std::string_view text, std::initializer_list<std::string_view> openings) {
  Match best = Match::No;
  for (const std::string_view opening : openings) {
    const Match match = startsWith(text, opening);
    if (match == Match::Yes) return match;
    if (match == Match::NeedMore) best = match;
  }
  return best;
}

}  // namespace

Match matchRedis(Direction first, Bytes bytes, const DecoderContext&) {
  const std::string_view text = asText(bytes);
  if (text.empty()) return Match::NeedMore;
  if (first == Direction::Downstream) {
    return matchAny(text, {"-DENIED Redis is running", "-ERR max number of clients"});
  }
  if (text.front() == '*') return matchArray(text);
  return matchAny(text, {"PING\r\n", "ping\r\n", "INFO\r\n", "info\r\n"});
}

std::unique_ptr<Decoder> makeRedisDecoder(DecoderEvents& events, const DecoderContext&) {
  return std::make_unique<RedisDecoder>(events);
}

std::uint64_t RedisDecoder::feed(Direction direction, Bytes bytes, Monotonic now) {
  ByteCursor cursor(bytes);
  const bool upstream = direction == Direction::Upstream;
  if (upstream) {
    readCommands(cursor, now);
  } else {
    readReplies(cursor, now);
  }
  if (opaque_) return kOpaque;
  return upstream ? commands_.unseen() : replies_.unseen();
}

void RedisDecoder::skip(Direction direction, std::uint64_t count, Monotonic now) {
  if (direction == Direction::Upstream) {
    commands_.skip(count);
  } else {
    replies_.skip(count);
  }
  feed(direction, {}, now);
}

void RedisDecoder::close(Monotonic now) {
  const bool partial = !opaque_ && !commands_.idle() && answers_ == Replies::On;
  opaque_ = true;
  while (!pending_.empty()) pending_.complete(Outcome::Incomplete, now);
  if (partial && pending_.push(kPlain, commands_.began())) pending_.complete(Outcome::Incomplete, now);
}

void RedisDecoder::readCommands(ByteCursor& cursor, Monotonic now) {
  while (!opaque_) {
    switch (commands_.advance(cursor, now)) {
      case RedisCommands::Step::NeedMore:
        return;
      case RedisCommands::Step::Malformed:
        return lose(LossReason::Malformed);
      case RedisCommands::Step::Command:
        onCommand();
    }
  }
}

void RedisDecoder::onCommand() {
  const std::string_view name = commands_.word(0);
  if (name == "MULTI") inTransaction_ = true;
  if (name == "EXEC" || name == "DISCARD" || name == "RESET") inTransaction_ = false;
  PendingExchanges::Kind kind = kPlain;
  if (const auto change = RedisSubscriptions::change(name)) {
    if (commands_.words() > kMostNames) return lose(LossReason::TooLong);
    kind = subscriptionKind(*change);
  } else if (name == "HELLO") {
    kind = kHello;
  } else if (name == "MONITOR") {
    kind = kMonitor;
  } else if (name == "SYNC" || name == "PSYNC") {
    // From here on it is a stream of replication, which is no exchange.
    return pending_.empty() ? becomeOpaque() : lose(LossReason::Ambiguous);
  } else if (name == "RESET") {
    kind = kReset;
    answers_ = Replies::On;
  } else if (name == "CLIENT" && onClientReply()) {
    return;
  }
  const bool changesAnswers = kind != kPlain && kind != kReset;
  if (changesAnswers && (inTransaction_ || answers_ != Replies::On)) return lose(LossReason::Ambiguous);
  if (answers_ == Replies::SkipNext)
    answers_ = Replies::On;
  else if (answers_ == Replies::On && !pending_.push(kind, commands_.began()))
    lose(LossReason::BufferFull);
}

/// Says whether the command was a CLIENT REPLY that the server does not answer.
bool RedisDecoder::onClientReply() {
  if (commands_.word(1) != "REPLY" || commands_.words() != 3) return false;
  const std::string_view mode = commands_.word(2);
  if (inTransaction_) {
    lose(LossReason::Ambiguous);
    return true;
  }
  if (mode == "ON") answers_ = Replies::On;
  if (mode == "OFF") answers_ = Replies::Off;
  if (mode == "SKIP" && answers_ == Replies::On) answers_ = Replies::SkipNext;
  return mode == "OFF" || mode == "SKIP";
}

PendingExchanges::Kind RedisDecoder::subscriptionKind(RedisSubscriptions::Change change) const {
  const std::uint64_t names = commands_.words() - 1;
  return kSubscription | static_cast<std::uint32_t>(change) << 8 | static_cast<std::uint32_t>(names) << 16;
}

void RedisDecoder::readReplies(ByteCursor& cursor, Monotonic now) {
  while (!opaque_) {
    switch (replies_.advance(cursor, now)) {
      case RedisReplies::Step::NeedMore:
        return;
      case RedisReplies::Step::Malformed:
        return lose(LossReason::Malformed);
      case RedisReplies::Step::TooDeep:
        return lose(LossReason::TooLong);
      case RedisReplies::Step::Reply:
        onValue(now);
    }
  }
}

/// A value at the top level: a reply, or something that the server says on its own.
void RedisDecoder::onValue(Monotonic now) {
  const bool push = replies_.type() == '>';
  const bool awaited = !pending_.empty() && (pending_.front() & 0xFF) == kSubscription;
  if (push || (!resp3_ && replies_.type() == '*' && (awaited || subscriptions_.any()))) {
    const auto change = RedisSubscriptions::change(replies_.firstWord());
    if (change) return onConfirmation(*change, now);
    if (push || RedisSubscriptions::isMessage(replies_.firstWord())) return;
  }
  onReply(now);
}

void RedisDecoder::onConfirmation(RedisSubscriptions::Change change, Monotonic now) {
  const std::uint32_t front = pending_.empty() ? std::uint32_t{kPlain} : pending_.front();
  const bool asked = (front & 0xFF) == kSubscription && (front >> 8 & 0xFF) == static_cast<std::uint32_t>(change);
  const std::uint64_t names = front >> 16;
  if (asked && confirmationsDue_ == 0) confirmationsDue_ = names > 0 ? names : subscriptions_.confirmations(change);
  subscriptions_.confirm(change, replies_.number());
  if (!asked) return;  // the server took a shard channel away
  pending_.answering(replies_.began());
  if (--confirmationsDue_ == 0) pending_.complete(Outcome::Ok, now);
}

void RedisDecoder::onReply(Monotonic now) {
  const bool error = replies_.type() == '-' || replies_.type() == '!';
  if (pending_.empty()) {
    // A server that refuses the connection, or the rest of it, says so unasked.
    if (!error) lose(LossReason::OutOfStep);
    return;
  }
  pending_.answering(replies_.began());
  const std::uint32_t kind = pending_.front() & 0xFF;
  if (!error && kind == kSubscription) return lose(LossReason::OutOfStep);
  pending_.complete(error ? Outcome::Error : Outcome::Ok, now);
  confirmationsDue_ = 0;
  if (error) return;
  if (kind == kHello) resp3_ = replies_.type() == '%';
  if (kind == kMonitor) return becomeOpaque();
  if (kind != kReset) return;
  subscriptions_.clear();
  resp3_ = false;
}

void RedisDecoder::becomeOpaque() {
  opaque_ = true;
  pending_.clear();
}

void RedisDecoder::lose(LossReason reason) {
  becomeOpaque();
  events_.onLost(reason);
}

}  // namespace loam::decode
