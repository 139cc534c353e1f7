#include "rollout/api/event_reader.h"

#include <utility>

#include "proxy/base/json.h"
#include "proxy/io/signal.h"

namespace loam::api {

namespace {

std::string_view kindOf(const audit::Event& event) {
  if (event.kind == "flag" || event.kind == "change" || event.kind == "freeze") return event.kind;
  return "audit";
}

}  // namespace

EventReader::EventReader(EventHub& hub, EventHub::Start start)
    : hub_(hub), kinds_(std::move(start.kinds)), after_(start.after) {
  hub_.readers_.insert(this);
}

EventReader::~EventReader() { hub_.readers_.erase(this); }

void EventReader::wake() {
  if (const auto wake = std::exchange(wake_, nullptr)) wake();
}

void EventReader::ledgerMoved() {
  behind_ = true;
  wake();
}

bool EventReader::take(std::string_view kind, const std::string& text) {
  if (!wants(kind)) return true;
  if (queue_.size() + text.size() > EventHub::kMostPiece) return false;
  queue_ += text;
  wake();
  return true;
}

void EventReader::letGo() {
  ended_ = true;
  queue_ = {};
  wake();
}

io::Task<std::string> EventReader::next() {
  if (!after_) co_await findStart();
  // So that a client knows that it listens; after a break it comes back in 2 s.
  if (!ended_ && !std::exchange(greeted_, true)) co_return "retry: 2000\n\n";
  for (;;) {
    if (ended_) co_return "";
    if (!queue_.empty()) co_return std::exchange(queue_, {});
    if (behind_) {
      std::string fetched = co_await fetch();
      if (!fetched.empty() || ended_) co_return fetched;
      continue;
    }
    io::Signal signal(hub_.loop_);
    wake_ = signal.raiser();
    const bool woken = co_await signal.until(hub_.loop_.now() + EventHub::kPing);
    wake_ = nullptr;
    if (!woken) co_return ": ping\n\n";
  }
}

io::Task<> EventReader::findStart() {
  auto newest = std::make_shared<Result<std::uint64_t>>();
  // Named: g++ 12 destroys a temporary that a co_await takes by value twice.
  Background::Work read = [&ledger = hub_.ledger_, newest] {
    *newest = ledger.newest();
    return http::Response{};
  };
  const http::Response done = co_await hub_.reading_.run(std::move(read));
  if (done.status == 200 && *newest) {
    after_ = **newest;
  } else {
    ended_ = true;
  }
}

io::Task<std::string> EventReader::fetch() {
  constexpr std::size_t kPage = 32;
  behind_ = false;
  auto found = std::make_shared<Result<std::vector<audit::Event>>>();
  const audit::EventQuery query{.after = *after_, .most = kPage};
  Background::Work read = [&ledger = hub_.ledger_, query, found] {
    *found = ledger.events(query);
    return http::Response{};
  };
  const http::Response done = co_await hub_.reading_.run(std::move(read));
  if (done.status != 200 || !*found) {
    ended_ = true;  // it comes back, and finds the ledger whole again or waits
    co_return "";
  }
  behind_ = behind_ || (*found)->size() == kPage;
  std::string text = textOf(**found);
  co_return text;
}

std::string EventReader::textOf(const std::vector<audit::Event>& events) {
  std::string text;
  for (const audit::Event& event : events) {
    std::string one;
    if (const std::string_view kind = kindOf(event); wants(kind)) {
      Json::Value data = audit::toJson(event);
      one = writeJson(data);
      if (one.size() > EventHub::kMostPiece / 2) {  // GET /v1/audit has it whole
        data["patch"] = Json::Value();
        data["shortened"] = true;
        one = writeJson(data);
      }
      one = "id: " + std::to_string(event.sequence) + "\nevent: " + std::string(kind) + "\ndata: " + one + "\n\n";
    }
    if (!text.empty() && text.size() + one.size() > EventHub::kMostPiece) {
      behind_ = true;
      break;
    }
    text += one;
    after_ = event.sequence;
  }
  return text;
}

}  // namespace loam::api
