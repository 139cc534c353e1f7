#pragma once

#include "proxy/base/clock.h"
#include "proxy/filter/connection_filter.h"
#include "shadow/observe/channel.h"

namespace loam::observe {

/// The sink of one worker's connection filters: one record into its channel for each verdict, nothing else. What finds
/// no room is counted as lost. An identity of more than Text::kMostText bytes is told by its beginning.
class ChannelVerdicts final : public filter::VerdictSink {
 public:
  /// Both outlive it; the channel is of the worker that calls.
  ChannelVerdicts(Channel& channel, const Clock& clock) : channel_(channel), clock_(clock) {}

  void onDenied(const filter::ConnectionView& view, const filter::Verdict& verdict) override;

 private:
  Channel& channel_;
  const Clock& clock_;
};

}  // namespace loam::observe
