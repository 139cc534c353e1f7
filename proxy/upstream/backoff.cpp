#include "proxy/upstream/backoff.h"

#include <algorithm>

namespace loam::upstream {

nanoseconds backoff(const BackoffTerms& terms, std::uint32_t repeat, Dice& dice) {
  nanoseconds most = terms.base;
  for (std::uint32_t i = 0; i < repeat && most < terms.most; ++i) most *= 2;
  most = std::min(most, terms.most);
  return nanoseconds(static_cast<std::int64_t>(dice.part() * static_cast<double>(most.count())));
}

}  // namespace loam::upstream
