#include "proxy/tls/fault.h"

#include <optional>
#include <string>
#include <utility>

#include "proxy/tls/openssl.h"

namespace loam::tls {

namespace {

bool isAboutCertificates(int alert) {
  return (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) || alert == SSL_AD_UNKNOWN_CA ||
         alert == SSL_AD_ACCESS_DENIED || alert == SSL_AD_CERTIFICATE_REQUIRED;
}

/// "tlsv13 alert certificate required" -> "certificate required".
std::string alertName(unsigned long code) {
  constexpr std::string_view kWord = "alert ";
  const char* reason = ERR_reason_error_string(code);
  if (reason == nullptr) return "alert " + std::to_string(ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET);
  const std::string_view text(reason);
  const std::size_t at = text.find(kWord);
  return std::string(at == std::string_view::npos ? text : text.substr(at + kWord.size()));
}

constexpr std::string_view kRefused = "the peer refused: ";
constexpr std::string_view kRevoked = "your certificate was revoked";

struct Named {
  ErrorCode code;
  std::string reason;
};

/// What the library itself said; nothing when it only met the end of the socket.
std::optional<Named> saidByLibrary(const SSL* ssl, const Link& link, unsigned long code) {
  if (code == 0) return std::nullopt;
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  switch (reason) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return std::nullopt;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return Named{ErrorCode::Denied,
                   "the peer's certificate: " +
                       (link.refusal.empty() ? std::string(X509_verify_cert_error_string(SSL_get_verify_result(ssl)))
                                             : link.refusal)};
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return Named{ErrorCode::Denied, "the peer showed no certificate"};
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
      return Named{ErrorCode::Protocol, "the peer offers no TLS 1.3"};
    case SSL_R_HTTP_REQUEST:
      return Named{ErrorCode::Protocol, "the peer speaks HTTP without TLS"};
    case SSL_R_WRONG_VERSION_NUMBER:
      return Named{ErrorCode::Protocol, "what came is not TLS 1.3"};
    default:
      break;
  }
  if (reason < SSL_AD_REASON_OFFSET) {
    const char* word = ERR_reason_error_string(code);
    return Named{ErrorCode::Protocol, word == nullptr ? "error " + std::to_string(code) : std::string(word)};
  }
  const bool ours = isAboutCertificates(reason - SSL_AD_REASON_OFFSET);
  const bool revoked = reason == SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REVOKED;
  return Named{ours ? ErrorCode::Denied : ErrorCode::Protocol,
               std::string(kRefused).append(revoked ? kRevoked : alertName(code))};
}

}  // namespace

Error faultOf(const SSL* ssl, Link& link, std::string_view doing, ErrorOrigin origin) {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const auto failure = std::exchange(link.failure, std::nullopt);
  const std::string prefix = std::string(doing) + ": ";
  if (auto named = saidByLibrary(ssl, link, code)) return Error{named->code, prefix + named->reason, origin, false};
  const bool atEnd = ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;  // whatever an alert then met
  if (failure && !atEnd) return Error{failure->code, prefix + failure->context, origin, true};
  return Error{ErrorCode::Closed, prefix + "the peer ended the connection without closing TLS", origin, true};
}

bool saysRevoked(const Error& error) {
  return error.code == ErrorCode::Denied && error.context.ends_with(std::string(kRefused).append(kRevoked));
}

}  // namespace loam::tls
