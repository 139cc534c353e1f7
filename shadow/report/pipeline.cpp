#include "shadow/report/pipeline.h"

#include <utility>

#include "shadow/observe/verdict_sink.h"

namespace loam::report {

Pipeline::Pipeline(const observe::ObserverSettings& settings, unsigned workers, const Clock& clock, Log& log,
                   std::unique_ptr<Transport> transport, std::unique_ptr<Spool> spool, observe::FactPoller::Read facts,
                   std::unique_ptr<observe::ReverseDns> reverseDns)
    : clock_(clock),
      transport_(std::move(transport)),
      spool_(std::move(spool)),
      facts_(std::move(facts), kFactsEvery, log),
      reverseDns_(std::move(reverseDns)),
      reporter_(*transport_, *spool_, clock, log, settings.seed),
      refusals_(clock, log),
      observer_(
          settings, clock, &facts_, reverseDns_.get(), [this](const wire::Report& report) { take(report); },
          [this] { return reporter_.dropped(); }) {
  for (unsigned i = 0; i < workers; ++i) {
    channels_.push_back(std::make_unique<observe::Channel>(settings.seed));
    observer_.attach(*channels_.back());
  }
  observing_ = std::thread([this] { observe(); });
  sending_ = std::thread([this] { send(); });
}

Pipeline::~Pipeline() { finish(milliseconds(0)); }

std::unique_ptr<relay::TapFactory> Pipeline::tapFactory(unsigned index) {
  return std::make_unique<observe::ConnectionTapFactory>(*channels_[index], decode::makeDetector);
}

std::unique_ptr<filter::VerdictSink> Pipeline::verdictSink(unsigned index) {
  return std::make_unique<observe::ChannelVerdicts>(*channels_[index], clock_);
}

void Pipeline::take(const wire::Report& report) {
  for (const wire::Verdict& verdict : report.verdicts) refusals_.take(verdict);
  refusals_.tick();
  reporter_.offer(wire::encode(report));
}

void Pipeline::observe() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    observer_.tick();
    std::this_thread::sleep_for(kDrainEvery);
  }
}

void Pipeline::send() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (!reporter_.tick()) std::this_thread::sleep_for(kSendEvery);
  }
}

void Pipeline::finish(milliseconds patience) {
  if (stopping_.exchange(true)) return;
  observing_.join();
  sending_.join();
  observer_.finish();
  reporter_.flush(clock_.now() + patience);
}

std::uint64_t Pipeline::recordsLost() const {
  std::uint64_t lost = 0;
  for (const auto& channel : channels_) lost += channel->lost();
  return lost;
}

}  // namespace loam::report
