#include "rollout/controller/catalogue_claims.h"

#include "shadow/observe/catalogue.h"

namespace loam::controller {

Result<std::vector<graph::Claim>> catalogueClaims(const std::string& path) {
  const auto catalogue = observe::Catalogue::load(path);
  if (!catalogue) return fail(catalogue.error());
  std::vector<graph::Claim> claims;
  for (const observe::CatalogueService& service : catalogue->services()) {
    for (const observe::CatalogueAddress& address : service.addresses) {
      graph::Claim claim;
      claim.address = address.network;
      claim.prefix = address.prefix;
      claim.port = address.port;
      claim.source = "catalogue";
      claim.name = service.name;
      claims.push_back(std::move(claim));
    }
  }
  return claims;
}

}  // namespace loam::controller
