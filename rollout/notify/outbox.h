#pragma once

#include <json/value.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/base/clock.h"
#include "proxy/base/result.h"

namespace loam::notify {

/// One notice on its way to one webhook.
struct Letter {
  std::string id;
  std::string event;           ///< its name
  std::string body;            ///< the same bytes at each try
  std::uint64_t sequence = 0;  ///< in the audit log, where it is read again after a restart; 0: it stands nowhere else
  std::int64_t born = 0;       ///< unix milliseconds
  unsigned tries = 0;
  Monotonic due{};  ///< of the next try
};

/// What waits for one webhook, oldest first and bounded: of more the oldest goes. Knows how far the audit log was read
/// for it, and what of that has not been settled yet. A value of one thread.
class Outbox {
 public:
  static constexpr std::size_t kMost = 256;

  /// Takes a letter in, unless one of that id waits. What had to go for it; never `busy`, which is being sent.
  std::optional<Letter> add(Letter letter, std::string_view busy = {});
  /// The first whose time has come; null when there is none.
  const Letter* due(Monotonic now) const;
  /// When the next one's time comes; nothing when none waits.
  std::optional<Monotonic> next() const;
  /// Null when it went meanwhile.
  Letter* find(std::string_view id);
  /// It is settled, whatever became of it.
  void remove(std::string_view id);
  std::size_t size() const { return letters_.size(); }

  /// The audit log was read up to there, and all that concerns this webhook was added.
  void readTo(std::uint64_t sequence) { read_ = std::max(read_, sequence); }
  /// The audit log ends there: it is another one than was read before.
  void goBackTo(std::uint64_t sequence) { read_ = std::min(read_, sequence); }
  /// Up to here everything is settled: where to go on after a restart.
  std::uint64_t settled() const;

  /// {after, waiting}: waiting has what stands in no log.
  Json::Value toJson() const;
  /// InvalidArgument for what is none.
  static Result<Outbox> fromJson(const Json::Value& value);

 private:
  std::deque<Letter> letters_;
  std::uint64_t read_ = 0;
};

}  // namespace loam::notify
