#include "rollout/cli/credentials.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "proxy/base/descriptor.h"
#include "proxy/tls/named_server.h"
#include "proxy/tls/stream.h"
#include "rollout/cli/text.h"

namespace loam::cli {

namespace {

constexpr std::string_view kHttps = "https://";

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

std::string trimmed(std::string text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  text.erase(std::find_if_not(text.rbegin(), text.rend(), blank).base(), text.end());
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), blank));
  return text;
}

Failure unreadable(const std::string& path, std::string_view why) {
  return {kUsage, "the token's file " + printable(path) + ": " + std::string(why), {}};
}

/// What is in the file; empty where there is none, or nothing in it, and `mayBeAbsent`.
Outcome<std::string> readToken(const std::string& path, bool mayBeAbsent) {
  constexpr std::size_t kMost = 4096;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file && mayBeAbsent && (errno == ENOENT || errno == ENOTDIR)) return std::string();
  if (!file) return tl::unexpected(unreadable(path, std::strerror(errno)));
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return tl::unexpected(unreadable(path, std::strerror(errno)));
  if (!S_ISREG(facts.st_mode)) return tl::unexpected(unreadable(path, "is no file"));
  if ((facts.st_mode & 0077) != 0) return tl::unexpected(unreadable(path, "others can read it: chmod 600 it"));
  std::array<char, kMost> bytes{};
  const ssize_t count = ::read(file.get(), bytes.data(), bytes.size());
  if (count < 0) return tl::unexpected(unreadable(path, std::strerror(errno)));
  std::string token = trimmed(std::string(bytes.data(), static_cast<std::size_t>(count)));
  // `loam token create ... > ~/.config/loam/token` empties it before we are asked.
  if (token.empty() && mayBeAbsent) return token;
  const auto visible = [](char c) { return c > ' ' && c < '\x7f'; };
  if (token.empty() || !std::all_of(token.begin(), token.end(), visible)) {
    return tl::unexpected(unreadable(path, "holds no token"));
  }
  return token;
}

Outcome<SocketAddress> resolve(const std::string& name, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(name.c_str(), port.c_str(), &hints, &found); error != 0) {
    return tl::unexpected(Failure{kUnreachable, printable(name) + ": " + ::gai_strerror(error), {}});
  }
  const std::unique_ptr<addrinfo, decltype([](addrinfo* list) { ::freeaddrinfo(list); })> list(found);
  sockaddr_storage storage{};
  std::memcpy(&storage, list->ai_addr, list->ai_addrlen);
  return SocketAddress::from(storage);
}

/// "NAME:PORT" or "[ADDRESS]:PORT"; 7400 where no port is given.
struct Place {
  std::string name;
  std::string port = "7400";
};

Place placeOf(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  Place place;
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.rfind(':');
  const bool hasPort = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  place.name = text.substr(0, hasPort ? colon : text.size());
  if (hasPort) place.port = text.substr(colon + 1);
  if (place.name.starts_with('[') && place.name.ends_with(']'))
    place.name = place.name.substr(1, place.name.size() - 2);
  return place;
}

}  // namespace

Outcome<std::string> findToken() {
  if (const std::string file = environment("LOAM_TOKEN_FILE"); !file.empty()) return readToken(file, false);
  if (std::string token = trimmed(environment("LOAM_TOKEN")); !token.empty()) return token;
  std::string directory = environment("XDG_CONFIG_HOME");
  if (directory.empty() && !environment("HOME").empty()) directory = environment("HOME") + "/.config";
  return directory.empty() ? std::string() : readToken(directory + "/loam/token", true);
}

Outcome<ControllerPath> findController(const std::string& address, const std::string& ca) {
  if (!address.starts_with(kHttps)) {
    auto target = http::Target::parse(address);
    if (!target) return tl::unexpected(Failure{kUsage, "--controller: " + target.error().context, {}});
    return ControllerPath{*std::move(target), {}};
  }
  const Place place = placeOf(std::string_view(address).substr(kHttps.size()));
  auto context = tls::clientOf(place.name, ca);
  if (!context) return tl::unexpected(Failure{kUsage, "--ca: " + printable(context.error().context), {}});
  auto found = resolve(place.name, place.port);
  if (!found) return tl::unexpected(std::move(found).error());
  ControllerPath path;
  path.target.address = *found;
  path.target.host = address.substr(kHttps.size());
  path.wrap = tls::asClient(*std::move(context), "");
  return path;
}

}  // namespace loam::cli
