#include "proxy/filters/connection_share.h"

#include "proxy/base/stable_hash.h"

namespace loam::filters {

bool ConnectionShare::has(const SocketAddress& client, const SocketAddress& destination) const {
  if (share_ >= kWhole) return true;
  return bucketOf(salt_, client.text() + ">" + destination.text()) < static_cast<std::uint32_t>(share_);
}

}  // namespace loam::filters
