#include "proxy/serve/body_pump.h"

namespace loam::serve {

BodyPump::BodyPump(Input& from, Output& to, http::BodyPlan plan)
    : from_(from),
      to_(&to),
      reader_(plan, http::Strictness::Strict),
      lastsUntilEnd_(plan.kind == http::BodyPlan::Kind::UntilEnd) {
  settle();
}

bool BodyPump::advance() {
  constexpr int kStepsATurn = 4;
  for (int i = 0; i < kStepsATurn; ++i) {
    if (!flush() || state_ != State::Open || !step()) return false;
  }
  return true;
}

bool BodyPump::flush() {
  if (to_->isFlushed()) return true;
  const auto flushed = to_->flush();
  if (!flushed) state_ = State::SinkBroken;
  return flushed && *flushed;
}

bool BodyPump::step() {
  if (from_.bytes().empty()) {
    const auto filled = from_.fill(ReadBuffers::kBytes);
    if (!filled) state_ = State::SourceBroken;
    if (!filled || *filled == Input::Filled::NothingYet) return false;
    if (*filled == Input::Filled::Ended) {
      state_ = lastsUntilEnd_ ? State::Done : State::Cut;
      return false;
    }
  }
  const std::string_view bytes = from_.bytes();
  const std::size_t count = reader_.consume(bytes);
  // Of bytes whose framing is wrong none goes on: what stands before the fault would look whole to who reads it.
  settle();
  if (state_ == State::BadFraming) return false;
  remember(bytes.substr(0, count));
  from_.goesOn(count);
  const Status written = to_->write(bytes.substr(0, count));
  from_.take(count);
  if (!written) state_ = State::SinkBroken;
  return true;
}

void BodyPump::remember(std::string_view bytes) {
  moved_ += bytes.size();
  if (moved_ <= keeps_) {
    kept_.append(bytes);
  } else if (!kept_.empty()) {
    kept_ = {};
  }
}

void BodyPump::again(Output& to) {
  to_ = &to;
  if (state_ == State::SinkBroken) state_ = State::Open;
  settle();
  const Status written = to.write(kept_);
  if (!written) state_ = State::SinkBroken;
}

void BodyPump::settle() {
  if (reader_.state() == http::BodyReader::State::Done) state_ = State::Done;
  if (reader_.state() == http::BodyReader::State::Failed) state_ = State::BadFraming;
}

}  // namespace loam::serve
