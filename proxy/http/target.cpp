#include "proxy/http/target.h"

namespace loam::http {

Result<Target> Target::parse(std::string_view text) {
  constexpr std::string_view kLocalhost = "localhost:";
  Target target;
  if (text.find('/') != std::string_view::npos) {
    target.socketPath = text;
    return target;
  }
  const std::string address =
      text.starts_with(kLocalhost) ? "127.0.0.1:" + std::string(text.substr(kLocalhost.size())) : std::string(text);
  const auto parsed = SocketAddress::parse(address);
  if (!parsed || parsed->port == 0) {
    return fail(ErrorCode::InvalidArgument,
                "expected the path of a socket or ADDRESS:PORT, found \"" + std::string(text) + "\"");
  }
  target.address = *parsed;
  return target;
}

std::string Target::text() const {
  if (!socketPath.empty()) return socketPath;
  return host.empty() ? address.text() : host;
}

}  // namespace loam::http
