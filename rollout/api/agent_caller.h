#pragma once

#include <string>
#include <string_view>

#include "proxy/http/message.h"
#include "rollout/api/caller.h"

namespace loam::api {

/// Who is at the other end of mutual TLS: a proxy of the trust domain, and nothing else; without a certificate nobody,
/// who may join.
Caller agentCaller(const http::Request& request, std::string_view trustDomain);

/// The proxy that a caller's certificate is of ("node-a"); empty for everybody else.
std::string provenProxy(const Caller& caller);

}  // namespace loam::api
