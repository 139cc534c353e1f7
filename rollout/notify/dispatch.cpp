#include "rollout/notify/dispatch.h"

#include <algorithm>
#include <utility>

#include "proxy/base/checked_file.h"
#include "proxy/base/json.h"

namespace loam::notify {

namespace {

constexpr std::size_t kMostKept = 64 * 1024 * 1024;

std::string hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

}  // namespace

Dispatch::Dispatch(io::EventLoop& loop, Settings settings, Transports hooks, const audit::Ledger& ledger,
                   std::function<std::uint64_t()> random, const Clock& clock, Log& log)
    : loop_(loop),
      settings_(std::move(settings)),
      ledger_(ledger),
      random_(std::move(random)),
      clock_(clock),
      log_(log),
      conditions_([this] { return newId(); }) {
  for (auto& [hook, transport] : hooks) {
    hooks_.push_back(std::make_unique<Hook>(
        loop, std::move(hook), std::move(transport), random_, [this] { dirty_ = true; }, clock, log));
  }
}

std::string Dispatch::newId() const { return hex(random_()) + hex(random_()); }

std::int64_t Dispatch::nowMs() const {
  return std::chrono::duration_cast<milliseconds>(clock_.wall().time_since_epoch()).count();
}

Status Dispatch::open() {
  const auto last = lastSequence(ledger_);
  if (!last) return fail(last.error());
  for (const auto& hook : hooks_) hook->readTo(*last);  // unless the file knows more
  const auto text = readChecked(settings_.file, kMostKept);
  Status taken = text ? Status() : Status(fail(text.error()));
  if (text && *text) taken = takeKept(**text, *last);
  if (!taken) {
    log_.error("notify", "what was kept of webhooks cannot be used: they begin with what happens from now on",
               {{"file", settings_.file}, {"error", taken.error().describe()}});
  }
  std::uint64_t from = *last;
  for (const auto& hook : hooks_) from = std::min(from, hook->box().settled());
  reader_ = std::make_unique<LogReader>(ledger_, from);
  keep();  // so that a hook that is new now is not new again when this program is killed
  return {};
}

void Dispatch::begin() {
  for (const auto& hook : hooks_) hook->begin();
  scope_.spawn(keepHouse());
}

Status Dispatch::takeKept(const std::string& text, std::uint64_t last) {
  const auto kept = parseJson(text);
  if (!kept) return fail(kept.error());
  if (!kept->isObject()) return fail(ErrorCode::InvalidArgument, "it is no object");
  LOAM_TRY(conditions_.load((*kept)["told"], nowMs()));
  for (const auto& hook : hooks_) {
    const Json::Value& of = (*kept)["hooks"][hook->name()];
    if (of.isNull()) continue;
    auto box = Outbox::fromJson(of);
    if (!box) return fail(std::move(box).error());
    if (box->settled() > last) {  // the ledger was restored from a backup
      log_.warn("notify", "the audit log is shorter than it was: a webhook goes on at its end",
                {{"webhook", hook->name()}});
      box->goBackTo(last);
    }
    hook->take(*std::move(box));
  }
  return {};
}

io::Task<void> Dispatch::keepHouse() {
  for (;;) {
    if (behind_) readLog();
    const Monotonic now = loop_.now();
    if (now >= keepAt_ && (dirty_ || now - kept_ >= kKeepEvery)) keep();
    co_await loop_.sleepFor(kTick);
  }
}

void Dispatch::ledgerMoved() {
  behind_ = true;
  readLog();
}

void Dispatch::readLog() {
  constexpr int kMostPages = 8;  // then others have their turn
  for (int pages = 0; behind_ && pages < kMostPages; ++pages) {
    const auto page = reader_->next();
    if (!page) {
      if (!std::exchange(readFails_, true)) {
        log_.error("notify", "the audit log cannot be read: no webhook is told of what is in it",
                   {{"error", page.error().describe()}});
      }
      return;  // it is tried again
    }
    readFails_ = false;
    behind_ = page->more;
    for (const LogReader::Logged& logged : page->notices) tell(logged.notice, logged.sequence);
    for (const auto& hook : hooks_) hook->readTo(reader_->position());
  }
}

void Dispatch::seen(const std::vector<Reading>& readings) {
  for (const Notice& notice : conditions_.take(readings, nowMs())) {
    dirty_ = true;
    tell(notice, 0);
  }
}

void Dispatch::tell(const Notice& notice, std::uint64_t sequence) {
  const std::string body = bodyOf(notice, settings_.controller);
  for (const auto& hook : hooks_) {
    const bool isNews = sequence == 0 || sequence > hook->box().settled();
    if (!isNews || !hook->wants(notice.event)) continue;
    Letter letter;
    letter.id = notice.id;
    letter.event = notice.name();
    letter.body = body;
    letter.sequence = sequence;
    letter.born = notice.at;
    hook->tell(std::move(letter));
  }
}

void Dispatch::reload() {
  for (const auto& hook : hooks_) hook->reload();
}

io::Task<Attempt> Dispatch::test(std::string name) {
  const auto found =
      std::find_if(hooks_.begin(), hooks_.end(), [&name](const auto& hook) { return hook->name() == name; });
  if (found == hooks_.end()) {
    Attempt unknown;
    unknown.error = "there is no webhook " + name;
    co_return unknown;
  }
  Notice notice;
  notice.id = newId();
  notice.at = nowMs();
  notice.subject = name;
  notice.summary = "Somebody tries whether this webhook is heard. Nothing has happened.";
  Post post{notice.id, std::string(notice.name()), bodyOf(notice, settings_.controller)};
  Attempt attempt = co_await (*found)->tryOnce(std::move(post));
  co_return attempt;
}

std::string Dispatch::keptText() const {
  Json::Value out(Json::objectValue);
  out["told"] = conditions_.toJson();
  out["hooks"] = Json::Value(Json::objectValue);
  for (const auto& hook : hooks_) out["hooks"][hook->name()] = hook->box().toJson();
  return writeJson(out);
}

void Dispatch::keep() {
  const Status kept = replaceChecked(settings_.file, keptText());
  kept_ = loop_.now();
  dirty_ = !kept;
  keepAt_ = kept ? kept_ : kept_ + kKeepAgain;
  if (kept) {
    keepFails_ = false;
  } else if (!std::exchange(keepFails_, true)) {
    log_.error("notify", "what was sent cannot be kept: after a restart it is sent again",
               {{"file", settings_.file}, {"error", kept.error().describe()}});
  }
}

}  // namespace loam::notify
