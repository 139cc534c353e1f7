#pragma once

#include <cstdint>
#include <string>

namespace loam::bench {

/// Where the upstream listens.
struct ServerPorts {
  std::string address = "127.0.0.1";
  std::uint16_t http = 0;   ///< HTTP/1.1, 200 with 512 bytes to whatever was asked; keeps alive unless told to close
  std::uint16_t echo = 0;   ///< sends back what it gets
  std::uint16_t greet = 0;  ///< speaks first, then echoes
  std::uint16_t bulk = 0;   ///< sends as many bytes as it is told and takes as many
};

constexpr char kGreeting[] = "220 upstream ready, a greeting of the length that servers of this kind send\r\n";

/// The whole answer of the HTTP port.
std::string httpReply();

/// Serves on the calling thread until the process ends.
[[noreturn]] void serve(const ServerPorts& ports);

}  // namespace loam::bench
