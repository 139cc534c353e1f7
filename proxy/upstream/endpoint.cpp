#include "proxy/upstream/endpoint.h"

#include <algorithm>

namespace loam::upstream {

bool carries(const Labels& labels, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
    const auto found = labels.find(one.first);
    return found != labels.end() && found->second == one.second;
  });
}

}  // namespace loam::upstream
