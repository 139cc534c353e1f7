#pragma once

#include <string>

#include "proxy/serve/way.h"
#include "proxy/server/connection.h"

namespace loam::server {

/// What the exchanges of one served connection go through, by the snapshot in force when each begins. The worker's
/// thread.
class ServiceWays final : public serve::Ways {
 public:
  /// `context` and `facts` outlive it. `identity`: SPIFFE id that the caller's proxy proved.
  ServiceWays(WorkerContext& context, const relay::ConnectionFacts& facts, std::string identity)
      : context_(context), facts_(facts), identity_(std::move(identity)) {}

  serve::Way now() override;

 private:
  WorkerContext& context_;
  const relay::ConnectionFacts& facts_;
  const std::string identity_;
};

}  // namespace loam::server
