#include "shadow/decode/certificate_summary.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace loam::decode {
namespace {

constexpr std::size_t kMostSummary = 1024;
constexpr int kMostNames = 16;

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

void append(std::string& summary, std::string_view kind, const ASN1_STRING* text) {
  const std::string_view value(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                               static_cast<std::size_t>(ASN1_STRING_length(text)));
  if (summary.size() + value.size() + kind.size() + 2 > kMostSummary) return;
  if (!summary.empty()) summary.append(", ");
  summary.append(kind);
  std::transform(value.begin(), value.end(), std::back_inserter(summary), [](char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte < 0x20 || byte == 0x7f ? '?' : c;
  });
}

}  // namespace

std::string summariseCertificate(std::span<const std::uint8_t> der) {
  const std::uint8_t* at = der.data();
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())),
                                                                X509_free);
  std::string summary;
  if (certificate) {
    const X509_NAME* subject = X509_get_subject_name(certificate.get());
    if (const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); index >= 0) {
      append(summary, "CN=", X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    }
    const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
    const int count = names ? std::min(sk_GENERAL_NAME_num(names.get()), kMostNames) : 0;
    for (int i = 0; i < count; ++i) {
      const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
      if (name->type == GEN_DNS) append(summary, "DNS:", name->d.dNSName);
    }
  }
  // What OpenSSL noted about a broken certificate is nobody else's business on this thread.
  ERR_clear_error();
  return summary;
}

}  // namespace loam::decode
