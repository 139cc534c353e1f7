#include "rollout/notify/controller_readings.h"

#include <string>

namespace loam::notify {

Reading readLedger(const std::optional<Error>& failure) {
  Reading reading{Event::LedgerFails, "control.db", failure.has_value()};
  if (!failure) return reading;
  reading.summary = "control.db cannot be written: no change of flags is taken, kill still works.";
  reading.detail = failure->describe();
  return reading;
}

Reading readJournal(bool isUsed) {
  Reading reading{Event::JournalUsed, "control.db", isUsed};
  if (!isUsed) return reading;
  reading.summary = "A kill is in force and only in the emergency journal, because control.db cannot be written.";
  reading.detail = "It goes into the audit log as soon as that can be written again.";
  return reading;
}

Reading TokenStorm::look(std::uint64_t total, Monotonic now) {
  seen_.emplace_back(now, total);
  while (seen_.size() > 1 && seen_[1].first <= now - kWindow) seen_.pop_front();
  const std::uint64_t lately = total - seen_.front().second;
  // Only a whole window without one ends it.
  storms_ = storms_ ? lately != 0 || now - seen_.front().first < kWindow : lately >= kMany;
  Reading reading{Event::WrongTokens, "tokens", storms_};
  if (!storms_) return reading;
  reading.summary = "Many wrong tokens come: " + std::to_string(lately) + " within the last minute.";
  reading.detail = "The controller's log says from where (a token that is worth nothing).";
  return reading;
}

}  // namespace loam::notify
