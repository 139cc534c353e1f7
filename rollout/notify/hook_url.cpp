#include "rollout/notify/hook_url.h"

#include <algorithm>
#include <charconv>

namespace loam::notify {

namespace {

constexpr std::uint16_t kHttp = 80;
constexpr std::uint16_t kHttps = 443;
constexpr std::string_view kHttpScheme = "http://";
constexpr std::string_view kHttpsScheme = "https://";

auto bad(std::string_view what) { return fail(ErrorCode::InvalidArgument, std::string(what)); }

bool isNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool isName(std::string_view host) {
  constexpr std::size_t kMost = 253;
  const bool formed = !host.empty() && host.size() <= kMost && host.front() != '-' && host.front() != '.';
  return formed && std::all_of(host.begin(), host.end(), isNameCharacter);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

/// Host and port of "oncall.example:8080" or "[::1]:8080".
Status readAuthority(std::string_view text, HookUrl& into) {
  const std::size_t bracket = text.find(']');
  const bool bracketed = text.starts_with('[') && bracket != std::string_view::npos;
  const std::string_view host = bracketed ? text.substr(1, bracket - 1) : text.substr(0, text.find(':'));
  const std::string_view rest = text.substr(bracketed ? bracket + 1 : host.size());
  const auto address = IpAddress::parse(host);
  if (address) into.address = *address;
  if (bracketed ? !address || address->isV4() : !address && !isName(host)) return bad("expected a host behind //");
  into.host = lowered(host);
  if (rest.empty()) return {};
  unsigned port = 0;
  const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), port);
  const bool whole = rest.front() == ':' && error == std::errc() && end == rest.data() + rest.size();
  if (!whole || port == 0 || port > UINT16_MAX) return bad("expected a port from 1 to 65535 behind the host");
  into.port = static_cast<std::uint16_t>(port);
  return {};
}

}  // namespace

Result<HookUrl> HookUrl::parse(std::string_view text) {
  constexpr std::size_t kMost = 2048;
  if (text.size() > kMost) return bad("expected at most 2048 characters");
  HookUrl url;
  url.tls = text.starts_with(kHttpsScheme);
  if (!url.tls && !text.starts_with(kHttpScheme)) return bad("expected http:// or https:// and a host");
  const auto visible = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::all_of(text.begin(), text.end(), visible)) return bad("expected visible ASCII, the rest as %XX");
  if (text.find('#') != std::string_view::npos) return bad("a fragment (#) is never sent");
  std::string_view rest = text.substr((url.tls ? kHttpsScheme : kHttpScheme).size());
  const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, path);
  if (authority.find('@') != std::string_view::npos) {
    return bad("a user or password in it would be in clear; requests are signed with the secret instead");
  }
  url.port = url.tls ? kHttps : kHttp;
  LOAM_TRY(readAuthority(authority, url));
  rest.remove_prefix(path);
  url.target = (rest.starts_with('/') ? "" : "/") + std::string(rest);
  return url;
}

std::string HookUrl::authority() const {
  std::string text = address && !address->isV4() ? "[" + host + "]" : host;
  if (port != (tls ? kHttps : kHttp)) text.append(":").append(std::to_string(port));
  return text;
}

std::string HookUrl::shown() const {
  std::string text(tls ? kHttpsScheme : kHttpScheme);
  return text.append(authority()).append(target == "/" ? "/" : "/...");
}

bool HookUrl::meansLoopback() const {
  return address ? address->isLoopback() : host == "localhost" || host.ends_with(".localhost");
}

}  // namespace loam::notify
