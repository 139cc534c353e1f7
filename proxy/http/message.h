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
  std::string method;
  std::string target;  ///< as it came, query included
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  /// Value of a query parameter, percent-decoded; empty when absent.
  std::string query(std::string_view key) const;
  /// First header of that name, any case; empty when absent.
  std::string_view header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string contentType = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

}  // namespace loam::http
