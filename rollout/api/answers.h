#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "rollout/api/router.h"
#include "rollout/audit/ledger.h"
#include "rollout/flags/flag_store.h"

namespace loam::api {

/// What was answered to requests with an Idempotency-Key: one that comes again within a day from the same caller, by the
/// same token where there is one, is answered the same and not done again. Nobody gets what was answered to another; a
/// route's role is looked at before. The answers are documents of the ledger, so that they outlive the controller. The control thread.
class Answers {
 public:
  static constexpr std::size_t kMost = 1000;  ///< the newest
  static constexpr std::size_t kMostBytes = 16 * 1024 * 1024;
  static constexpr seconds kKeptFor{24 * 3600};

  /// Both outlive it.
  Answers(flags::FlagStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  Status load(const std::vector<audit::Document>& documents);

  enum class Keep : std::uint8_t {
    Ledger,
    Memory  ///< for what waits for no disk
  };
  /// Does it, or gives the answer of the time before: with Idempotent-Replayed. 422 when the key came with another body
  /// or query, 400 for no key at all. Only what was done is kept: who was refused may ask again.
  http::Response once(const Call& call, Keep keep, const std::function<http::Response()>& act);
  /// Drops what is too old or too much. Call it every second.
  void forget();

 private:
  struct Answer {
    std::int64_t at = 0;  // unix seconds
    std::string print;    // SHA-256 of query and body
    http::Response response;
    bool isInLedger = false;
    std::uint64_t order = 0;  // of arrival
  };
  static Json::Value toJson(const Answer& answer);
  static Result<Answer> fromDocument(const audit::Document& document);
  void remember(const std::string& name, Answer answer, Keep keep);

  flags::FlagStore& store_;
  const Clock& clock_;
  std::map<std::string, Answer> answers_;  // by hash of who, token, path and key
  std::size_t bytes_ = 0;                  // of bodies
  std::uint64_t arrived_ = 0;
};

constexpr std::string_view kAnswerKind = "answer";

}  // namespace loam::api
