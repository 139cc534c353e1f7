#include "proxy/filters/serve.h"

#include "proxy/filters/words.h"

namespace loam::filters {

namespace {

Word<ServeSettings::Tolerance> tolerance() {
  return oneOf<ServeSettings::Tolerance>({{"bare_lf", ServeSettings::Tolerance::BareLf},
                                          {"folded_fields", ServeSettings::Tolerance::FoldedFields},
                                          {"repeated_length", ServeSettings::Tolerance::RepeatedLength}});
}

Word<ServeSettings::Mismatch> mismatch() {
  return oneOf<ServeSettings::Mismatch>(
      {{"relay", ServeSettings::Mismatch::Relay}, {"refuse", ServeSettings::Mismatch::Refuse}});
}

}  // namespace

void ServeSettings::describe(Form& form) {
  form.word("max_head", maxHead, size(4 << 10, 1 << 20));
  form.integer("max_fields", maxFields, 16, 4096);
  form.integer("max_streams", maxStreams, 1, 1000);
  form.duration("head_timeout", headTimeout, milliseconds(100), std::chrono::minutes(5));
  form.duration("keep_alive", keepAlive, seconds(1), std::chrono::hours(24));
  form.duration("stall_timeout", stallTimeout, seconds(1), std::chrono::hours(24));
  form.word("on_mismatch", onMismatch, mismatch());
  form.words("tolerate", tolerate, tolerance(), 3, true);
  form.check(headTimeout <= stallTimeout, {"head_timeout", "stall_timeout"},
             "head_timeout is above stall_timeout, and so never comes");
}

}  // namespace loam::filters
