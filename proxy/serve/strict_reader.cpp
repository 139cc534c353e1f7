#include "proxy/serve/strict_reader.h"

#include <utility>

#include "proxy/serve/limits.h"

namespace loam::serve {

using relay::Direction;

StrictReader::StrictReader(std::shared_ptr<const filters::ServeSettings> settings,
                           std::vector<http::HeaderField>& fields, Refused refused)
    : settings_(std::move(settings)), fields_(fields), refused_(std::move(refused)) {
  if (fields_.size() < settings_->maxFields) fields_.resize(settings_->maxFields);
}

std::uint64_t StrictReader::feed(Direction direction, std::string_view bytes, Monotonic now) {
  if (isInTime(now)) take(direction, bytes, now);
  return unseen(direction);
}

void StrictReader::skip(Direction direction, std::uint64_t count, Monotonic now) {
  if (!isInTime(now)) return;
  if (side(direction).phase != Phase::Body) return leave();  // more went by than was allowed: it lost its place
  side(direction).body.skip(count);
  settle(direction, now);
}

void StrictReader::end(Direction direction, Monotonic now) {
  if (!isInTime(now)) return;
  const bool isCut = up_.phase == Phase::Head && !up_.held.empty();
  if (direction == Direction::Upstream && isCut) return refuse(http::name(http::HeadFault::Incomplete));
  if (direction == Direction::Downstream || up_.phase == Phase::Body) leave();
}

void StrictReader::close(Monotonic now) {
  if (isInTime(now)) leave();
}

std::uint64_t StrictReader::unseen(Direction direction) {
  if (!isReading_) return kOpaque;
  const Side& from = side(direction);
  return from.phase == Phase::Body ? from.body.knownContent() : 0;
}

void StrictReader::take(Direction direction, std::string_view bytes, Monotonic now) {
  const Side& from = side(direction);
  while (isReading_ && !bytes.empty()) {
    switch (from.phase) {
      case Phase::Head:
        bytes = takeHead(direction, bytes, now);
        break;
      case Phase::Body:
        bytes = takeBody(direction, bytes, now);
        break;
      case Phase::Hold:
        hold(std::exchange(bytes, {}));
        break;
    }
  }
}

std::string_view StrictReader::takeHead(Direction direction, std::string_view bytes, Monotonic now) {
  Side& from = side(direction);
  const bool isRequest = direction == Direction::Upstream;
  if (!isRequest && asked_.empty()) {  // no server of HTTP speaks unasked
    if (first_) foreign();
    leave();
    return {};
  }
  if (isRequest) bytes = passLineEnds(bytes);
  if (!isReading_ || bytes.empty()) return {};
  if (from.held.empty()) {
    from.began = now;
    from.scanner.reset();
    if (isRequest && first_ && isForeign(bytes)) {
      foreign();
      return {};
    }
  }
  const std::size_t size = from.scanner.scan(bytes);
  const bool isWhole = size != http::HeadScanner::kNotYet;
  const std::string_view piece = bytes.substr(0, isWhole ? size : bytes.size());
  const std::size_t length = from.held.size() + piece.size();
  if (length > settings_->maxHead || (!isWhole && length == settings_->maxHead)) {
    refuse(isRequest ? Fault::HeadTooLong : Fault::AnswerHeadTooLong);
    return {};
  }
  if (!isWhole) {
    from.held.append(piece);
    return {};
  }
  const std::string joined = from.held.empty() ? std::string() : std::exchange(from.held, {}).append(piece);
  const std::string_view head = joined.empty() ? piece : std::string_view(joined);
  if (isRequest) {
    judgeRequest(head);
  } else {
    judgeAnswer(head, now);
  }
  return bytes.substr(size);
}

std::string_view StrictReader::passLineEnds(std::string_view bytes) {
  if (up_.held == "\r" && bytes.starts_with('\n')) {
    up_.held.clear();
    bytes.remove_prefix(1);
    lineEnds_ += 2;
  }
  if (!up_.held.empty()) return bytes;
  for (; bytes.starts_with("\r\n"); lineEnds_ += 2) bytes.remove_prefix(2);
  if (lineEnds_ > kMostLineEnds) refuse(http::name(http::HeadFault::StartLine));
  return bytes;
}

void StrictReader::hold(std::string_view bytes) {
  if (up_.held.size() + bytes.size() > settings_->maxHead) return leave();
  up_.held.append(bytes);
}

void StrictReader::judgeRequest(std::string_view bytes) {
  if (first_ && isForeign(bytes)) return foreign();
  http::RequestHead head;
  const http::HeadFault fault = http::parseRequestHead(bytes, http::Strictness::Strict, fields(), head);
  if (fault != http::HeadFault::None) return refuse(http::name(fault));
  if (asked_.size() == kMostAsked) return leave();
  const bool connect = head.method == "CONNECT";
  asked_.push_back({.head = head.method == "HEAD", .connect = connect, .keepsAlive = head.facts.keepAlive});
  mayTunnel_ = connect || !head.facts.upgradeTo.empty();
  first_ = false;
  lineEnds_ = 0;
  up_.body = http::BodyReader(connect ? http::BodyPlan() : http::requestBody(head.facts), http::Strictness::Strict);
  up_.phase = Phase::Body;
  settle(Direction::Upstream, moved_);
}

void StrictReader::judgeAnswer(std::string_view bytes, Monotonic now) {
  http::ResponseHead head;
  const http::HeadFault fault = http::parseResponseHead(bytes, http::Strictness::Strict, fields(), head);
  if (fault != http::HeadFault::None) return refuse(Fault::AnswerHead);
  Asked& asked = asked_.front();
  if (head.status == 101 || (asked.connect && head.status / 100 == 2)) return leave();
  if (head.status < 200) {
    if (++interims_ > kMostInterims) refuse(Fault::AnswerHead);
    return;
  }
  interims_ = 0;
  isAnswering_ = true;
  asked.keepsAlive = asked.keepsAlive && head.facts.keepAlive;
  down_.body = http::BodyReader(http::responseBody(head, asked.head), http::Strictness::Strict);
  down_.phase = Phase::Body;
  settle(Direction::Downstream, now);
}

std::string_view StrictReader::takeBody(Direction direction, std::string_view bytes, Monotonic now) {
  bytes.remove_prefix(side(direction).body.consume(bytes));
  settle(direction, now);
  return bytes;
}

void StrictReader::settle(Direction direction, Monotonic now) {
  const bool isRequest = direction == Direction::Upstream;
  switch (side(direction).body.state()) {
    case http::BodyReader::State::Open:
      return;
    case http::BodyReader::State::Failed:
      return refuse(isRequest ? Fault::BodyFraming : Fault::AnswerFraming);
    case http::BodyReader::State::Done:
      break;
  }
  if (!isRequest) return answered(now);
  up_.phase = mayTunnel_ ? Phase::Hold : Phase::Head;
}

void StrictReader::answered(Monotonic now) {
  const bool isWhole = asked_.size() > 1 || up_.phase != Phase::Body;
  if (!asked_.front().keepsAlive || !isWhole) return leave();  // no other follows
  isAnswering_ = false;
  asked_.erase(asked_.begin());
  down_.phase = Phase::Head;
  if (up_.phase != Phase::Hold || !asked_.empty()) return;
  mayTunnel_ = false;
  up_.phase = Phase::Head;
  const std::string waited = std::exchange(up_.held, {});
  take(Direction::Upstream, waited, now);
}

bool StrictReader::isInTime(Monotonic now) {
  if (!isReading_) return false;
  const bool isInHead = up_.phase == Phase::Head && !up_.held.empty();
  if (isInHead && now - up_.began > settings_->headTimeout) refuse(Fault::HeadTimeout);
  if (!asked_.empty() && now - moved_ > settings_->stallTimeout) {
    refuse(up_.phase == Phase::Body && !isAnswering_ ? Fault::RequestStalled : Fault::AnswerStalled);
  }
  moved_ = now;
  return isReading_;
}

void StrictReader::foreign() {
  if (settings_->onMismatch == filters::ServeSettings::Mismatch::Refuse) return refuse("foreign");
  leave();
}

void StrictReader::refuse(std::string_view why) {
  if (!isReading_) return;
  leave();
  refused_(why);
}

void StrictReader::leave() {
  isReading_ = false;
  for (Side* each : {&up_, &down_}) std::string().swap(each->held);
  std::vector<Asked>().swap(asked_);
}

}  // namespace loam::serve
