#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/base/address.h"

namespace loam::http {

class BodyStream;

/// Who sent a request, as far as its connection tells.
struct Peer {
  std::string id{};         ///< the SPIFFE id that its certificate proves; empty without one
  std::string serial{};     ///< of that certificate, lower-case hex
  SocketAddress address{};  ///< unspecified for a Unix socket
  struct Process {
    uid_t user = 0;
    gid_t group = 0;
    pid_t pid = 0;
    std::vector<gid_t> groups{};  ///< its other groups
  };
  std::optional<Process> process{};  ///< at the other end of a Unix socket when it connected
};

/// A whole message of the control-side HTTP (admin, API, CLI); bodies are bounded by who reads them. Workers never hold
/// one.
struct Request {
  std::string method = "GET";
  std::string target{};  ///< as it came, query included; an absolute form is cut to path and query
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  Peer peer{};  ///< of a server's request; put there by the connection

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
  std::shared_ptr<BodyStream> stream{};  ///< a server's: comes piece by piece in the place of `body`

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
