#include "proxy/filters/mtls.h"

#include "proxy/filters/words.h"

namespace loam::filters {

namespace {

// The record knows when plaintext was last to 10 s. Who calls less often than a window is asked for his own gap anyway.
constexpr std::chrono::seconds kShortestWindow{10};

Word<MtlsSettings::Fallback> fallbacks() {
  return oneOf<MtlsSettings::Fallback>(
      {{"allow", MtlsSettings::Fallback::Allow}, {"deny", MtlsSettings::Fallback::Deny}});
}

Word<MtlsSettings::AtExpiry> expiries() {
  return oneOf<MtlsSettings::AtExpiry>(
      {{"closed", MtlsSettings::AtExpiry::Closed}, {"plaintext", MtlsSettings::AtExpiry::Plaintext}});
}

}  // namespace

void MtlsSettings::describe(Form& form) {
  form.word("fallback", fallback, fallbacks());
  form.integer("fallback_after", fallbackAfter, 1, 1000);
  form.duration("handshake_timeout", handshakeTimeout, milliseconds(100), std::chrono::minutes(1));
  form.duration("plaintext_window", plaintextWindow, kShortestWindow, std::chrono::days(90));
  form.word("at_expiry", atExpiry, expiries());
  form.integers("ports", ports, 1, 65'535, 64);
  form.check(fallback == Fallback::Allow || atExpiry == AtExpiry::Closed, {"at_expiry", "fallback"},
             "plaintext at expiry goes against \"fallback\": \"deny\"");
}

}  // namespace loam::filters
