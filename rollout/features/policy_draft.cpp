#include "rollout/features/policy_draft.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "proxy/filters/policy.h"
#include "proxy/filters/policy_decision.h"
#include "proxy/filters/settings.h"
#include "proxy/filters/words.h"

namespace loam::features {

namespace {

using filters::Source;
using record::Call;

constexpr std::size_t kMostRules = 1000;    // of PolicySettings
constexpr std::size_t kMostPorts = 64;      // of Match
constexpr std::size_t kMostSources = 1000;  // of Match
constexpr std::size_t kMostName = 63;       // of a rule

/// All calls of one caller.
struct CallerPart {
  std::set<std::string> sources;
  std::set<std::uint16_t> ports;
  DraftedRule evidence;
};

std::string networkText(const Call& call) {
  return Cidr{call.client, call.client.isV4() ? call.prefix - 96u : call.prefix}.text();
}

/// What a rule has to say so that this call fits it, and as few others as the record allows.
std::string sourceFor(const Call& call) {
  if (!call.identity.empty()) {
    const auto identity = filters::source().parse(call.identity);
    const bool isOne = identity && identity->kind == Source::Kind::Identity && !identity->name.ends_with('*');
    if (isOne) return call.identity;
  }
  if (!call.believed.empty()) {
    const auto service = filters::source().parse(call.believed);
    if (service && service->kind == Source::Kind::Service) return call.believed;
  }
  return networkText(call);
}

/// "Orders (EU)" -> "orders-eu".
std::string slugOf(const std::string& caller) {
  std::string slug;
  for (const char c : caller) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool fits = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') || small == '_' || small == '.';
    if (fits) {
      slug += small;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  slug.resize(std::min(slug.size(), kMostName - 5));  // room for a number
  const bool begins = !slug.empty() && slug.front() != '_' && slug.front() != '.';
  return begins ? slug : "caller" + (slug.empty() ? slug : "-" + slug).substr(0, kMostName - 12);
}

std::string uniqueName(const std::string& caller, std::set<std::string>& taken) {
  const std::string slug = slugOf(caller);
  std::string name = slug;
  for (int number = 2; !taken.insert(name).second; ++number) name = slug + "-" + std::to_string(number);
  return name;
}

/// Clients and addresses whose connections a policy in force denied: how many.
std::map<std::pair<IpAddress, SocketAddress>, std::uint64_t> deniedOf(const record::Calls& calls) {
  std::map<std::pair<IpAddress, SocketAddress>, std::uint64_t> denied;
  for (const auto& [caller, sum] : calls.verdicts) {
    if (sum.enforced && sum.feature == "policy") denied[{sum.client, sum.destination}] += sum.count;
  }
  return denied;
}

void add(CallerPart& part, const Call& call) {
  DraftedRule& evidence = part.evidence;
  const bool fresh = part.sources.empty();
  const std::string source = sourceFor(call);
  part.sources.insert(source);
  part.ports.insert(call.destination.port);
  evidence.caller = call.caller;
  evidence.clients.insert(call.prefix == 128 ? call.client.text() : networkText(call));
  evidence.connections += call.connections;
  evidence.firstSeen = fresh ? call.firstSeen : std::min(evidence.firstSeen, call.firstSeen);
  evidence.lastSeen = std::max(evidence.lastSeen, call.lastSeen);
  evidence.proven = (fresh || evidence.proven) && source == call.identity;
}

Json::Value ruleOf(const CallerPart& part) {
  Json::Value rule(Json::objectValue);
  rule["name"] = part.evidence.rule;
  rule["action"] = "allow";
  for (const std::string& source : part.sources) rule["match"]["sources"].append(source);
  if (!part.evidence.allPorts) {
    for (const std::uint16_t port : part.ports) rule["match"]["ports"].append(port);
  }
  return rule;
}

}  // namespace

Result<PolicyDraft> draftPolicy(const record::Calls& calls) {
  const auto denied = deniedOf(calls);
  std::map<std::string, CallerPart> callers;
  std::set<std::string> turnedAway;
  for (const Call& call : calls.calls) {
    const auto at = denied.find({call.client, call.destination});
    if (at != denied.end() && call.connections > 0 && at->second >= call.connections) {
      turnedAway.insert(call.caller);
    } else {
      add(callers[call.caller], call);
    }
  }
  PolicyDraft draft;
  if (callers.size() > kMostRules) {
    return fail(ErrorCode::InvalidArgument, std::to_string(callers.size()) + " callers: a policy has at most " +
                                                std::to_string(kMostRules) + " rules");
  }
  Json::Value settings(Json::objectValue);
  settings["default"] = "deny";
  std::set<std::string> names{std::string(filters::kDefaultRule)};
  for (auto& [caller, part] : callers) {
    if (part.sources.size() > kMostSources) {
      return fail(ErrorCode::InvalidArgument, "\"" + caller + "\" calls from " + std::to_string(part.sources.size()) +
                                                  " addresses: a rule names at most " + std::to_string(kMostSources));
    }
    DraftedRule& evidence = part.evidence;
    evidence.rule = uniqueName(caller, names);
    evidence.allPorts = part.ports.size() > kMostPorts;
    settings["rules"].append(ruleOf(part));
    draft.samples += evidence.connections;
    const std::int64_t first = std::max(evidence.firstSeen, calls.header.window.from);
    draft.oldest = draft.oldest == 0 ? first : std::min(draft.oldest, first);
    draft.rules.push_back(evidence);
  }
  for (const std::string& caller : turnedAway) {
    if (!callers.contains(caller)) draft.leftOut.push_back(caller);
  }
  std::vector<FieldProblem> problems;
  draft.settings = filters::canonical<filters::PolicySettings>(settings, problems);
  if (!problems.empty()) return fail(ErrorCode::InvalidArgument, "the draft is no policy: " + text(problems));
  return draft;
}

}  // namespace loam::features
