#include "rollout/api/event_hub.h"

#include <algorithm>
#include <array>
#include <utility>

#include "proxy/base/json.h"
#include "rollout/api/event_reader.h"

namespace loam::api {

namespace {

constexpr std::array<std::string_view, 5> kKinds = {"flag", "change", "freeze", "proxy", "audit"};

}  // namespace

bool EventHub::isKind(std::string_view kind) { return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end(); }

std::shared_ptr<http::BodyStream> EventHub::subscribe(Start start) {
  if (readers_.size() >= kMostReaders || ended_) return nullptr;
  return std::make_shared<EventReader>(*this, std::move(start));
}

void EventHub::ledgerMoved() {
  for (EventReader* const reader : readers_) reader->ledgerMoved();
}

void EventHub::say(std::string_view kind, const Json::Value& event) {
  const std::string text = "event: " + std::string(kind) + "\ndata: " + writeJson(event) + "\n\n";
  for (EventReader* const reader : readers_) {
    if (reader->take(kind, text)) continue;
    ++dropped_;
    reader->letGo();
  }
}

void EventHub::end() {
  ended_ = true;
  for (EventReader* const reader : readers_) reader->letGo();
}

}  // namespace loam::api
