#include "shadow/observe/verdict_sink.h"

namespace loam::observe {

void ChannelVerdicts::onDenied(const filter::ConnectionView& view, const filter::Verdict& verdict) {
  Observation record;
  record.kind = RecordKind::Verdict;
  record.detail = verdict.enforced ? 1 : 0;
  record.at = clock_.now();
  record.body.verdict = {.client = view.client.ip,
                         .destination = view.destination,
                         .identity = view.identity.empty() ? 0 : channel_.intern(view.identity),
                         .rule = channel_.intern(verdict.feature, verdict.rule),
                         .generation = view.generation};
  if (!channel_.push(record)) channel_.lose();
}

}  // namespace loam::observe
