#pragma once

#include <cstdint>
#include <vector>

#include "proxy/filters/form.h"

namespace loam::filters {

/// The limits of the strict codec, once a service is served instead of relayed. `simulate` counts what they would
/// refuse.
struct ServeSettings {
  /// Deviations that the codec mends instead of refusing (reliability.md 3.A).
  enum class Tolerance : std::uint8_t {
    BareLf,          ///< a line of a head that ends in LF alone (A7)
    FoldedFields,    ///< obs-fold becomes one space (A5)
    RepeatedLength,  ///< identical Content-Length fields become one (A2)
  };
  /// What becomes of a connection that speaks another protocol than the port is pinned to.
  enum class Mismatch : std::uint8_t { Relay, Refuse };

  std::uint64_t maxHead = 64 << 10;        ///< bytes of a head, or of a decoded field list (DESIGN 11); else 431
  std::uint32_t maxFields = 256;           ///< of a head (DESIGN 11); else 431
  std::uint32_t maxStreams = 100;          ///< at once on an HTTP/2 connection (reliability.md B6)
  milliseconds headTimeout = seconds(10);  ///< from a head's first byte to its last (dataplane.md 4)
  milliseconds keepAlive = std::chrono::minutes(5);  ///< between two requests (dataplane.md 4)
  milliseconds stallTimeout = seconds(60);  ///< without a byte in an exchange that waits for one (reliability.md B11)
  Mismatch onMismatch = Mismatch::Relay;    ///< brownfield: better unserved than refused
  std::vector<Tolerance> tolerate;          ///< none

  void describe(Form& form);
};

}  // namespace loam::filters
