#pragma once

#include <string>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/wire/snapshot.h"

namespace loam::fleet {

/// A connection as the proxy at the callee's side would meet it.
struct Attempt {
  IpAddress client;
  SocketAddress destination;
  std::string identity;  ///< SPIFFE id that the caller's proxy proves; empty: it comes in plaintext
};

/// What becomes of a connection.
enum class Fate : std::uint8_t {
  Admitted,
  WouldBeDenied,  ///< carried all the same, and counted
  Denied,
  Depends,  ///< on what else is open and comes at that moment
};
/// "admitted", "would_be_denied", "denied", "depends".
std::string_view text(Fate fate);

/// What one feature says of it, and what it would say one stage earlier.
struct FeatureWord {
  std::string feature;
  std::string stage;
  bool isIn = true;  ///< the stage holds for this caller
  Fate fate = Fate::Admitted;
  std::string rule;  ///< that denies it, or would; empty: none does
  std::string earlier;
  Fate fateEarlier = Fate::Admitted;

  bool operator==(const FeatureWord&) const = default;
};

struct Explanation {
  std::string caller;              ///< whom the proxy takes the client's address for; empty: it knows no name
  std::vector<FeatureWord> words;  ///< of the features that act on connections, in the order in which they are asked

  /// The first that denies; null: none.
  const FeatureWord* cause() const;
  Fate fate() const;
};

/// Asks the very filters that a proxy makes of what it is told of a service. Pure. InvalidArgument for settings that
/// cannot be read.
Result<Explanation> explain(const wire::ServiceConfig& service, const Attempt& attempt);

}  // namespace loam::fleet
