#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proxy/base/result.h"
#include "rollout/api/event_hub.h"

namespace loam::api {

/// One reader of the hub: a body that never ends by itself.
class EventReader final : public http::BodyStream {
 public:
  EventReader(EventHub& hub, EventHub::Start start);
  ~EventReader() override;
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  io::Task<std::string> next() override;

  void ledgerMoved();
  /// False when it has to be let go.
  bool take(std::string_view kind, const std::string& text);
  void wake();
  void letGo();

 private:
  bool wants(std::string_view kind) const { return kinds_.empty() || kinds_.contains(std::string(kind)); }
  /// From what is newest, unless it was said; an error ends the reader.
  io::Task<> findStart();
  /// What the ledger has behind after_; an error ends the reader.
  io::Task<std::string> fetch();
  std::string textOf(const std::vector<audit::Event>& events);

  EventHub& hub_;
  const std::set<std::string> kinds_;
  std::optional<std::uint64_t> after_;
  std::string queue_;  // of what is in no log
  bool greeted_ = false;
  bool behind_ = true;  // the ledger may have more
  bool ended_ = false;
  std::function<void()> wake_;
};

}  // namespace loam::api
