#pragma once

#include <string_view>

#include "proxy/serve/way.h"
#include "proxy/server/connection.h"

namespace loam::server {

/// What the exchanges of one served connection go through, by the snapshot in force when each begins. The worker's
/// thread.
class ServiceWays final : public serve::Ways {
 public:
  /// All of them outlive it. `identity`: SPIFFE id that the caller's proxy proved.
  ServiceWays(WorkerContext& context, const relay::ConnectionFacts& facts, std::string_view identity)
      : context_(context), facts_(facts), identity_(identity) {}

  serve::Way now() override;

 private:
  WorkerContext& context_;
  const relay::ConnectionFacts& facts_;
  const std::string_view identity_;
};

}  // namespace loam::server
