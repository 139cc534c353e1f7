#include "proxy/filters/fault.h"

#include "proxy/filters/words.h"

namespace loam::filters {

namespace {

Word<FaultSettings::At> places() {
  return oneOf<FaultSettings::At>(
      {{"exchange", FaultSettings::At::Exchange}, {"connection", FaultSettings::At::Connection}});
}

/// Any but those that frame the answer, which is Loam's own work.
Word<std::string> answerHeader() {
  Word<std::string> word = headerName();
  word.kind = "a header name that frames nothing";
  word.parse = [parse = word.parse](std::string_view text) {
    auto name = parse(text);
    const bool frames = name == "content-length" || name == "transfer-encoding" || name == "connection";
    return frames ? std::nullopt : name;
  };
  return word;
}

}  // namespace

void Abort::describe(Form& form) {
  form.integer("status", status, 400, 599);
  form.integer("grpc_status", grpcStatus, 1, 16);
  form.boolean("reset", reset);
  form.check((status ? 1 : 0) + (grpcStatus ? 1 : 0) + (reset ? 1 : 0) == 1, {},
             "expected exactly one of status, grpc_status and reset");
}

void MockAnswer::describe(Form& form) {
  form.integer("status", status, 200, 599);
  form.map("headers", headers, answerHeader(), line(1024), 32);
  form.word("body", body, anyText(64 << 10));
}

void FaultSettings::describe(Form& form) {
  form.word("at", at, places());
  form.object("match", match);
  form.duration("delay", delay, milliseconds(1), std::chrono::minutes(10));
  form.duration("jitter", jitter, milliseconds(1), std::chrono::minutes(10));
  form.object("abort", abort);
  form.object("answer", answer);
  form.word("bytes_per_second", bytesPerSecond, size(1, 1 << 30));
  form.integer("most_at_once", mostAtOnce, 1, 1'000'000);
  form.check(delay || !jitter, {"jitter"}, "a jitter of no delay");
  form.check(!abort || !answer, {"answer"}, "an abort has no answer: give one of both");
  form.check(!abort || !bytesPerSecond, {"bytes_per_second"}, "after an abort nothing comes back to slow down");
  const bool connection = at == At::Connection;
  form.check(!connection || !answer, {"answer"}, "a connection has no answer: only at exchanges");
  form.check(!connection || !match.needsExchange(), {"match"}, "a connection fits by sources and ports alone");
  form.check(!connection || !abort || abort->reset, {"abort"}, "a connection can only be reset");
  form.checkInUse(delay || abort || answer || bytesPerSecond, {},
                  "none of delay, abort, answer and bytes_per_second: a fault without effect");
}

}  // namespace loam::filters
