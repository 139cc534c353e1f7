#pragma once

#include <json/value.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "proxy/base/result.h"
#include "shadow/record/calls.h"

namespace loam::features {

/// What stands behind one rule of a drafted policy.
struct DraftedRule {
  std::string rule;
  std::string caller;
  std::set<std::string> clients;  ///< addresses, networks of unknown peers among them
  std::uint64_t connections = 0;
  std::int64_t firstSeen = 0;  ///< unix seconds, over the whole record
  std::int64_t lastSeen = 0;
  bool proven = false;    ///< by identity alone
  bool allPorts = false;  ///< more ports than a rule holds: it has none, and so allows all

  bool operator==(const DraftedRule&) const = default;
};

/// The allow-list that a window of the record implies.
struct PolicyDraft {
  Json::Value settings;  ///< of the policy, in their canonical form
  std::vector<DraftedRule> rules;
  std::vector<std::string> leftOut;  ///< callers all of whose connections a policy denied already; sorted
  std::uint64_t samples = 0;         ///< connections that it stands on
  std::int64_t oldest = 0;           ///< unix seconds: the first evidence within the window; 0 where there is none
};

/// Default deny, and one `allow` for each caller with the ports that it used: by identity where one was proven, by name
/// where the proxies would know the caller by its address, else by its address or network. A caller that a policy in
/// force turned away is no evidence that it may call. Pure: the same calls give the same bytes. InvalidArgument for
/// more callers than a policy has rules.
Result<PolicyDraft> draftPolicy(const record::Calls& calls);

}  // namespace loam::features
