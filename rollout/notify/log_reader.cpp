#include "rollout/notify/log_reader.h"

#include <utility>

namespace loam::notify {

namespace {

constexpr std::string_view kKill = "kill";
constexpr std::string_view kEvery = "*";

/// A flag's key, taken apart.
struct Place {
  std::string service;
  std::string feature;
};

Place placeOf(const std::string& key) {
  const std::size_t slash = key.rfind('/');
  if (slash == std::string::npos) return {key, ""};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

/// "why (ticket CHG-7)", by whom it was done.
std::string detailOf(const audit::Act& act) {
  std::string text = act.reason;
  if (!act.ticket.empty()) text.append(text.empty() ? "" : " ").append("(ticket ").append(act.ticket).append(")");
  return text;
}

std::string historyOf(const Place& place) {
  return "loam flag history " + shellWord(plain(place.service, 256)) + " " + shellWord(plain(place.feature, 256));
}

/// By the hash of its event, which is nobody else's and the same whenever it is read.
Notice begin(Event kind, const audit::Event& event) {
  constexpr std::size_t kDigits = 32;
  Notice notice;
  notice.id = event.hash.substr(0, kDigits);
  notice.event = kind;
  notice.at = event.at;
  notice.subject = event.key;
  notice.detail = detailOf(event.act);
  return notice;
}

/// Nothing for what needs nobody.
std::optional<Notice> noticeOf(const audit::Event& event) {
  const std::string& verb = event.act.verb;
  if (verb == "flag.called_off") {
    Notice notice = begin(Event::FlagCalledOff, event);
    notice.summary = "The scheduled change of " + event.key + " was called off: " + event.act.reason + ".";
    notice.help = historyOf(placeOf(event.key));
    return notice;
  }
  if (verb == "flag.expire") {
    Notice notice = begin(Event::FlagExpired, event);
    notice.summary = "The flag " + event.key + " came to its end and is off.";
    notice.help = historyOf(placeOf(event.key));
    return notice;
  }
  if (verb == "identity.revoke") {
    Notice notice = begin(Event::IdentityRevoked, event);
    notice.summary = event.act.who + " revoked " + event.key + ".";
    return notice;
  }
  return std::nullopt;
}

}  // namespace

Result<std::uint64_t> lastSequence(const audit::Ledger& ledger) {
  const auto goesTo = [&ledger](std::uint64_t sequence) -> Result<bool> {
    const auto found = ledger.events({.after = sequence - 1, .most = 1});
    if (!found) return fail(found.error());
    return !found->empty();
  };
  std::uint64_t there = 0;
  std::uint64_t beyond = 1;
  for (bool found = true; found;) {
    const auto more = goesTo(beyond);
    if (!more) return fail(more.error());
    found = *more;
    if (found) there = std::exchange(beyond, beyond * 2);
  }
  while (beyond - there > 1) {
    const std::uint64_t middle = there + (beyond - there) / 2;
    const auto found = goesTo(middle);
    if (!found) return fail(found.error());
    (*found ? there : beyond) = middle;
  }
  return there;
}

Result<LogReader::Page> LogReader::next() {
  const auto events = ledger_.events({.after = read_, .most = kPage});
  if (!events) return fail(events.error());
  Page page;
  for (const audit::Event& event : *events) take(event, page.notices);
  page.more = events->size() == kPage;
  // A commit is in the log as a whole: at its end nothing more of a kill can come.
  if (!page.more) finishKill(page.notices);
  return page;
}

void LogReader::take(const audit::Event& event, std::vector<Logged>& into) {
  const bool killed = event.act.verb == kKill && event.toRevision != 0;
  if (kill_ && (!killed || event.toRevision != kill_->first.toRevision)) finishKill(into);
  if (killed) {
    takeKilled(event);
  } else if (auto notice = noticeOf(event)) {
    into.push_back({*std::move(notice), event.sequence});
  }
  read_ = event.sequence;
}

void LogReader::takeKilled(const audit::Event& event) {
  constexpr std::size_t kMostShown = 5;
  const Place place = placeOf(event.key);
  if (!kill_) kill_ = Kill{event, {}, 0, place.service, place.feature};
  if (kill_->service != place.service) kill_->service = kEvery;
  if (kill_->feature != place.feature) kill_->feature = kEvery;
  if (kill_->shown.size() < kMostShown) kill_->shown.push_back(event.key);
  ++kill_->cells;
}

void LogReader::finishKill(std::vector<Logged>& into) {
  if (!kill_) return;
  Notice notice = begin(Event::FlagKilled, kill_->first);
  notice.subject = kill_->service + "/" + kill_->feature;
  notice.summary = kill_->first.act.who + " killed ";
  if (kill_->cells > 1) notice.summary.append(std::to_string(kill_->cells)).append(" flags: ");
  const char* between = "";
  for (const std::string& cell : kill_->shown) notice.summary.append(std::exchange(between, ", ")).append(cell);
  const std::size_t hidden = kill_->cells - kill_->shown.size();
  if (hidden != 0) notice.summary.append(" and ").append(std::to_string(hidden)).append(" more");
  notice.summary.append(".");
  if (kill_->cells == 1) notice.help = historyOf(placeOf(kill_->first.key));
  into.push_back({std::move(notice), kill_->first.sequence});
  kill_.reset();
}

}  // namespace loam::notify
