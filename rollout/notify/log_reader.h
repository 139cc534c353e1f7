#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rollout/audit/ledger.h"
#include "rollout/notify/notice.h"

namespace loam::notify {

/// The sequence of the last event in the audit log; 0 where there is none.
Result<std::uint64_t> lastSequence(const audit::Ledger& ledger);

/// Finds in the audit log what needs a person, page by page. A kill is one notice, however many flags it took off. One
/// thread.
class LogReader {
 public:
  static constexpr std::size_t kPage = 256;

  /// Goes on behind `after`. `ledger` outlives it.
  LogReader(const audit::Ledger& ledger, std::uint64_t after) : ledger_(ledger), read_(after) {}

  struct Logged {
    Notice notice;
    std::uint64_t sequence = 0;  ///< of the first event that it is about
  };
  struct Page {
    std::vector<Logged> notices;
    bool more = false;  ///< the log goes on
  };
  /// What follows; an error is the ledger's, and leaves everything as it was.
  Result<Page> next();

  /// Everything up to here was given.
  std::uint64_t position() const { return kill_ ? kill_->first.sequence - 1 : read_; }

 private:
  /// The events of one kill: they have one revision.
  struct Kill {
    audit::Event first;
    std::vector<std::string> shown;  ///< the first few cells
    std::size_t cells = 0;
    std::string service;
    std::string feature;
  };

  void take(const audit::Event& event, std::vector<Logged>& into);
  void takeKilled(const audit::Event& event);
  void finishKill(std::vector<Logged>& into);

  const audit::Ledger& ledger_;
  std::uint64_t read_;
  std::optional<Kill> kill_;  // may go on with the next page
};

}  // namespace loam::notify
