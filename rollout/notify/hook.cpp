#include "rollout/notify/hook.h"

#include <algorithm>
#include <utility>

#include "proxy/http/message.h"
#include "proxy/io/signal.h"
#include "rollout/notify/retry.h"

namespace loam::notify {

std::string whyNotTaken(const Result<Answer>& answer) {
  if (!answer) return plain(answer.error().context, 512);
  const std::string_view phrase = http::reasonPhrase(answer->status);
  std::string text = std::to_string(answer->status);
  if (!phrase.empty()) text.append(" ").append(phrase);
  if (answer->status >= 300 && answer->status < 400) return text + ": a redirect, which is never followed";
  if (!answer->says.empty()) text.append(": ").append(answer->says);
  return text;
}

Hook::Hook(io::EventLoop& loop, HookSettings settings, std::unique_ptr<Transport> transport,
           std::function<std::uint64_t()> random, std::function<void()> changed, const Clock& clock, Log& log)
    : loop_(loop),
      settings_(std::move(settings)),
      transport_(std::move(transport)),
      random_(std::move(random)),
      changed_(std::move(changed)),
      clock_(clock),
      log_(log) {
  standing_.name = settings_.name;
  standing_.url = settings_.url.shown();
  for (const std::string& event : eventNames()) {
    if (wants(*eventNamed(event))) standing_.events.push_back(event);
  }
}

std::int64_t Hook::nowMs() const {
  return std::chrono::duration_cast<milliseconds>(clock_.wall().time_since_epoch()).count();
}

void Hook::take(Outbox kept) {
  box_ = std::move(kept);
  const std::lock_guard lock(mutex_);
  standing_.waiting = box_.size();
}

void Hook::wake() {
  if (const auto wake = std::exchange(wake_, nullptr)) wake();
}

void Hook::tell(Letter letter) {
  const auto gone = box_.add(std::move(letter), busy_);
  {
    const std::lock_guard lock(mutex_);
    standing_.waiting = box_.size();
    if (gone) ++standing_.dropped;
  }
  if (gone) {
    log_.warn("notify", "too much waits for a webhook: the oldest is dropped",
              {{"webhook", name()}, {"event", gone->event}, {"id", gone->id}});
  }
  changed_();
  wake();
}

void Hook::reload() {
  if (const Status done = transport_->reload(); !done) {
    log_.error("notify", "a webhook's files stay as they were",
               {{"webhook", name()}, {"error", done.error().describe()}});
  }
}

HookStanding Hook::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

io::Task<void> Hook::work() {
  for (;;) {
    const Monotonic now = loop_.now();
    const Letter* const letter = now < awayUntil_ ? nullptr : box_.due(now);
    if (letter == nullptr) {
      std::optional<Monotonic> due = box_.next();
      if (due) due = std::max(*due, awayUntil_);
      co_await waitFor(due);
    } else {
      Letter copy = *letter;  // it may be dropped meanwhile
      co_await send(std::move(copy));
    }
  }
}

/// Until then, or until something new comes.
io::Task<void> Hook::waitFor(std::optional<Monotonic> due) {
  constexpr std::chrono::hours kLongest{1};  // "never" is no time that a timer knows
  io::Signal news(loop_);
  wake_ = news.raiser();
  const Monotonic latest = loop_.now() + kLongest;
  co_await news.until(due ? std::min(*due, latest) : latest);
  wake_ = nullptr;
}

io::Task<void> Hook::send(Letter letter) {
  busy_ = letter.id;
  Post post{letter.id, letter.event, letter.body};
  const Result<Answer> answer = co_await transport_->send(std::move(post), loop_.now() + kAttempt);
  busy_.clear();
  settle(letter, answer);
}

io::Task<Attempt> Hook::tryOnce(Post post) {
  Attempt attempt;
  attempt.id = post.id;
  const Monotonic began = loop_.now();
  const Result<Answer> answer = co_await transport_->send(std::move(post), began + kAttempt);
  attempt.took = std::chrono::duration_cast<milliseconds>(clock_.now() - began);
  attempt.status = answer ? answer->status : 0;
  attempt.taken = answer && verdictOf(answer->status) == Verdict::Taken;
  if (!attempt.taken) attempt.error = whyNotTaken(answer);
  if (attempt.taken) {
    away_ = 0;
    awayUntil_ = {};  // who takes this takes what waits
    wake();
  }
  co_return attempt;
}

void Hook::settle(const Letter& letter, const Result<Answer>& answer) {
  const Verdict verdict = answer ? verdictOf(answer->status) : Verdict::Away;
  if (verdict == Verdict::Taken) {
    box_.remove(letter.id);
    noteSuccess();
  } else if (verdict == Verdict::Refused) {
    const std::string error = whyNotTaken(answer);
    noteFailure(error);
    giveUp(letter, "a webhook refuses an event: it is given up", error, &HookStanding::refused);
  } else {
    const std::string error = whyNotTaken(answer);
    const auto asked = answer ? retryAfterOf(answer->retryAfter, clock_.wall()) : std::nullopt;
    away_ = verdict == Verdict::Away ? away_ + 1 : 0;
    const unsigned tries = verdict == Verdict::Away ? away_ : letter.tries + 1;
    const milliseconds wait = std::max(backOff(tries, random_()), asked.value_or(milliseconds(0)));
    if (verdict == Verdict::Away) awayUntil_ = loop_.now() + wait;
    noteFailure(error);
    const auto due = nextTry(letter, wait);
    if (!due) {
      giveUp(letter, "a webhook did not take an event for a whole day: it is given up", error, &HookStanding::expired);
    } else if (Letter* const waiting = box_.find(letter.id)) {
      ++waiting->tries;
      waiting->due = *due;
      const std::lock_guard lock(mutex_);
      ++standing_.failed;
    }
  }
  const std::lock_guard lock(mutex_);
  standing_.waiting = box_.size();
}

std::optional<Monotonic> Hook::nextTry(const Letter& letter, milliseconds wait) const {
  const milliseconds age{nowMs() - letter.born};
  if (age + wait > milliseconds(kTryFor)) return std::nullopt;
  return loop_.now() + wait;
}

void Hook::giveUp(const Letter& letter, std::string_view why, const std::string& error,
                  std::uint64_t HookStanding::*count) {
  box_.remove(letter.id);
  log_.warn("notify", why, {{"webhook", name()}, {"event", letter.event}, {"id", letter.id}, {"error", error}});
  {
    const std::lock_guard lock(mutex_);
    ++(standing_.*count);
  }
  changed_();
}

void Hook::noteFailure(const std::string& error) {
  if (!std::exchange(failing_, true)) {
    log_.warn("notify", "a webhook does not take what happens",
              {{"webhook", name()}, {"url", settings_.url.shown()}, {"error", error}});
  }
  const std::lock_guard lock(mutex_);
  standing_.lastFailure = unixSeconds(clock_.wall());
  standing_.lastError = error;
}

void Hook::noteSuccess() {
  away_ = 0;
  awayUntil_ = {};
  if (std::exchange(failing_, false)) log_.info("notify", "a webhook takes what happens again", {{"webhook", name()}});
  {
    const std::lock_guard lock(mutex_);
    ++standing_.delivered;
    standing_.lastSuccess = unixSeconds(clock_.wall());
  }
  changed_();
}

}  // namespace loam::notify
