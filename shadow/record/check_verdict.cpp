#include <algorithm>

#include "shadow/graph/text.h"
#include "shadow/record/recorder.h"

namespace loam::record {

namespace {

constexpr std::uint64_t kMostCount = 1ULL << 32;  // of one bucket: no host accepts as many in 10 s
constexpr std::uint64_t kMostGeneration = 1ULL << 62;
constexpr std::size_t kLongestIdentity = 2048;  // SPIFFE ID, section 2.3
constexpr std::size_t kLongestRule = 256;
constexpr std::size_t kLongestFeature = 32;

bool isFeature(const std::string& text) {
  return !text.empty() && text.size() <= kLongestFeature &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

}  // namespace

std::string wrongWith(const wire::Verdict& verdict, std::int64_t latest) {
  if (!isFeature(verdict.feature)) return "feature: expected a short word";
  if (verdict.rule.empty() || verdict.rule.size() > kLongestRule || !graph::isPrintableUtf8(verdict.rule))
    return "rule: empty, too long or with control characters";
  if (verdict.identity.size() > kLongestIdentity || !graph::isPrintableUtf8(verdict.identity))
    return "identity: too long or with control characters";
  if (verdict.start < 0 || verdict.start % wire::kBucketSeconds != 0) return "start: not a multiple of 10 s";
  if (verdict.start > latest) return "start: more than a day ahead of the controller's clock";
  if (verdict.count == 0 || verdict.count > kMostCount) return "count: none, or larger than any host could do in 10 s";
  if (verdict.generation > kMostGeneration) return "generation: larger than any can be";
  return {};
}

}  // namespace loam::record
