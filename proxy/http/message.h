#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace loam::http {

/// A whole message of the control-side HTTP (admin, API, CLI); bodies are bounded by who reads them. Workers never hold
/// one.
struct Request {
  std::string method = "GET";
  std::string target{};  ///< as it came, query included; an absolute form is cut to path and query
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  /// Value of a query parameter, percent-decoded; empty when absent.
  std::string query(std::string_view key) const;
  /// First header of that name, any case; empty when absent.
  std::string_view header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string contentType = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};

  /// First header of that name, any case; empty when absent.
  std::string_view header(std::string_view name) const;
};

/// "%2F" -> "/"; what is no escape stays as it is.
std::string percentDecode(std::string_view text);
/// Everything but letters, digits and "-._~" escaped: for one path segment or query value.
std::string percentEncode(std::string_view text);
/// "Not Found" for 404.
std::string_view reasonPhrase(int status);

}  // namespace loam::http
