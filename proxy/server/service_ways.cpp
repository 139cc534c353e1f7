#include "proxy/server/service_ways.h"

#include "proxy/server/carrying.h"

namespace loam::server {

serve::Way ServiceWays::now() {
  const Service& service = serviceFor(context_, facts_.destination);
  const filter::HttpFilters& filters =
      isBeside(context_, facts_) ? service.exchanges.atCallee : service.exchanges.atCaller;
  if (filters.empty()) return {};
  return {&filters, viewOf(context_, facts_, service, identity_), context_.services};
}

}  // namespace loam::server
