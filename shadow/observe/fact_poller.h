#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/base/result.h"
#include "shadow/observe/fact_source.h"

namespace loam::observe {

/// Reads the host's facts every `period` on a thread of its own, so that a slow guard or a big socket table holds up
/// nobody; less often where a reading takes long, so that readings take 1 % of the time, at most 10 s apart. The newest
/// socket table wins; DNS answers of tables that nobody took are kept, at most kMostDns. take() by any thread.
class FactPoller final : public FactSource {
 public:
  using Read = std::function<Result<guard::HostFacts>()>;
  static constexpr std::size_t kMostDns = 4096;

  /// `read` is called on the poller's thread alone: GuardClient::facts, or guard::readSockets where there is no guard.
  FactPoller(Read read, milliseconds period, Log& log);
  ~FactPoller() override;
  FactPoller(const FactPoller&) = delete;
  FactPoller& operator=(const FactPoller&) = delete;

  std::optional<guard::HostFacts> take() override;

 private:
  void run();
  void keep(guard::HostFacts facts);

  const Read read_;
  const milliseconds period_;
  Log& log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::optional<guard::HostFacts> latest_;
  std::thread thread_;
};

}  // namespace loam::observe
