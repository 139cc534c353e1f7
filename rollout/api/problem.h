#pragma once

#include <json/value.h>

#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/error.h"
#include "proxy/http/message.h"

namespace loam::api {

/// An answer that says what went wrong, by RFC 9457: type "urn:loam:problem:CODE", title, status, code, detail, and
/// `suggestions` where a name was meant that is not there.
http::Response problem(int status, std::string_view code, std::string_view detail,
                       const std::vector<std::string>& suggestions = {});
/// The same of an error: 400 for input, 404, 409, 403, 507 for a full disk, 503 for a store that
/// another program holds, both with Retry-After; 501, else 500.
http::Response problem(const Error& error, const std::vector<std::string>& suggestions = {});

/// 200 with one line of JSON.
http::Response ok(const Json::Value& value);

}  // namespace loam::api
