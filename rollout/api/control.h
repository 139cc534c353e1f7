#pragma once

#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/fields.h"
#include "proxy/http/message.h"
#include "rollout/api/answers.h"
#include "rollout/api/background.h"
#include "rollout/api/router.h"
#include "rollout/audit/ledger.h"
#include "rollout/changes/changes.h"
#include "rollout/flags/flag_store.h"
#include "rollout/fleet/fleet.h"
#include "rollout/identity/identities.h"
#include "rollout/notify/webhooks.h"
#include "shadow/record/recorder.h"

namespace loam::api {

/// What the routes that change something go to. `writer` is the control thread, which the flags and changes belong to;
/// what only reads has `reader`, so that no long answer delays a kill. The fleet is the loop's.
struct Control {
  flags::FlagStore& flags;
  changes::Changes& changes;
  Answers& answers;
  audit::Ledger& ledger;  ///< what has an owner here goes through its owner
  fleet::Fleet& fleet;
  Background& writer;
  Background& reader;
  const Clock& clock;
  identity::Identities* identities = nullptr;  ///< null: no authority is held; the control thread's
  notify::Webhooks* webhooks = nullptr;        ///< null: there are none; any thread's
  const record::Recorder* record = nullptr;    ///< any thread's
};

/// The body of a request that somebody answers for: its members, and `reason` and `ticket`, which every such body may
/// have.
class Ask {
 public:
  /// `known` besides reason and ticket.
  Ask(const Call& call, std::string verb, std::vector<std::string_view> known);
  /// Times of an edit may be texts ("+2h", "2026-12-01T00:00:00Z", "never"); here they become unix seconds.
  void readTimes(const char* list, std::initializer_list<const char*> names, std::int64_t now);

  Fields& fields() { return *fields_; }
  /// 400 with every problem, `errors` with pointers; nothing when all is well.
  std::optional<http::Response> refuse() const;
  const audit::Act& act() const { return act_; }
  /// Notes a problem where no reason is given.
  void requireReason();

 private:
  Json::Value body_;
  std::vector<FieldProblem> problems_;
  std::optional<Fields> fields_;
  audit::Act act_;
};

/// A problem that lists several: `errors` of {pointer, detail}.
http::Response problem(int status, std::string_view code, std::string_view detail,
                       const std::vector<FieldProblem>& problems);

/// The same answer with one more member in its body.
http::Response withMember(http::Response response, const char* name, Json::Value value);

}  // namespace loam::api
