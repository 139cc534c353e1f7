#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "proxy/base/log.h"
#include "proxy/filter/connection_filter.h"
#include "proxy/relay/tap.h"
#include "shadow/observe/fact_poller.h"
#include "shadow/observe/observer.h"
#include "shadow/observe/reverse_dns.h"
#include "shadow/observe/tap_factory.h"
#include "shadow/report/refusal_log.h"
#include "shadow/report/reporter.h"

namespace loam::report {

/// From the taps of the workers to the controller: their channels, the observer on one thread, the reporter on another.
/// Made before the workers and finished after them.
class Pipeline {
 public:
  static constexpr milliseconds kDrainEvery{50};
  static constexpr milliseconds kSendEvery{100};
  static constexpr milliseconds kFactsEvery{2000};

  /// `transport` and `spool` are the pipeline's; `facts` is called on a thread of its own; null `reverseDns`: no PTR
  /// names; log and clock outlive it.
  Pipeline(const observe::ObserverSettings& settings, unsigned workers, const Clock& clock, Log& log,
           std::unique_ptr<Transport> transport, std::unique_ptr<Spool> spool, observe::FactPoller::Read facts,
           std::unique_ptr<observe::ReverseDns> reverseDns);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  ~Pipeline();

  /// For worker `index`, once.
  std::unique_ptr<relay::TapFactory> tapFactory(unsigned index);
  /// For worker `index`: where its connection filters tell what they deny.
  std::unique_ptr<filter::VerdictSink> verdictSink(unsigned index);
  /// After the workers ended: folds and seals what is left, sends it within `patience` or spools it.
  void finish(milliseconds patience);

  /// Any thread.
  std::uint64_t recordsLost() const;
  std::uint64_t reportsDropped() const { return reporter_.dropped(); }

 private:
  void observe();
  void take(const wire::Report& report);
  void send();

  const Clock& clock_;
  const std::unique_ptr<Transport> transport_;
  const std::unique_ptr<Spool> spool_;
  std::vector<std::unique_ptr<observe::Channel>> channels_;
  observe::FactPoller facts_;
  const std::unique_ptr<observe::ReverseDns> reverseDns_;
  Reporter reporter_;
  RefusalLog refusals_;  // of the observing thread
  observe::Observer observer_;
  std::atomic<bool> stopping_{false};
  std::thread observing_;
  std::thread sending_;
};

}  // namespace loam::report
