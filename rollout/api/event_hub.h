#pragma once

#include <json/value.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "proxy/http/body_stream.h"
#include "proxy/io/event_loop.h"
#include "rollout/api/background.h"
#include "rollout/audit/ledger.h"

namespace loam::api {

class EventReader;

/// Who listens to what happens (Server-Sent Events). What is in the audit log each reader fetches for itself, as fast
/// as it reads, under its sequence as `id`: nothing is queued for it, and it goes on where it was after any pause. What
/// is in no log (a proxy that fell silent) waits for it in a bounded queue; a reader whose queue is full is let go
/// (E14). The loop's thread, but for the reads of the ledger.
class EventHub {
 public:
  static constexpr std::size_t kMostReaders = 64;
  static constexpr std::size_t kMostPiece = 64 * 1024;  ///< bytes, in a queue and on the way
  static constexpr seconds kPing{15};

  /// All outlive it; `reading` is the thread that reads the ledger.
  EventHub(io::EventLoop& loop, const audit::Ledger& ledger, Background& reading)
      : loop_(loop), ledger_(ledger), reading_(reading) {}
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  /// flag, change, freeze, proxy and audit, which is all else of the audit log.
  static bool isKind(std::string_view kind);

  /// From where a reader goes on: behind a sequence, or with what happens from now on.
  struct Start {
    std::optional<std::uint64_t> after{};
    std::set<std::string> kinds{};  ///< empty: all
  };
  /// Null when there are too many. The hub outlives what it gives.
  std::shared_ptr<http::BodyStream> subscribe(Start start);

  /// The ledger has a new commit.
  void ledgerMoved();
  /// Tells readers of something that is in no log.
  void say(std::string_view kind, const Json::Value& event);
  /// Every reader comes to its end, now and from now on.
  void end();

  std::size_t readers() const { return readers_.size(); }
  /// Readers that were let go because they did not read.
  std::uint64_t dropped() const { return dropped_; }

 private:
  friend class EventReader;

  io::EventLoop& loop_;
  const audit::Ledger& ledger_;
  Background& reading_;
  std::set<EventReader*> readers_;
  std::uint64_t dropped_ = 0;
  bool ended_ = false;
};

}  // namespace loam::api
