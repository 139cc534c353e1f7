#pragma once

#include <string_view>

#include "proxy/base/error.h"
#include "proxy/tls/socket_bio.h"

typedef struct ssl_st SSL;

namespace loam::tls {

/// Why the last call on `ssl` failed for good, in words, while OpenSSL's queue still holds what it said; empties queue
/// and `link`. Denied: a certificate, of whichever side, with the reason. Protocol: what came is no TLS 1.3. Closed:
/// the peer ended where more was expected, also without close_notify. Reset and the like: the socket's own.
Error faultOf(const SSL* ssl, Link& link, std::string_view doing, ErrorOrigin origin);

/// Whether faultOf() made it of the peer's word that this side's certificate was revoked.
bool saysRevoked(const Error& error);

}  // namespace loam::tls
