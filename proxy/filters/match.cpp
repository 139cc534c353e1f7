#include "proxy/filters/match.h"

#include <algorithm>

#include "proxy/filters/words.h"
#include "proxy/http/http1_chars.h"

namespace loam::filters {

namespace {

constexpr std::string_view kIdentityScheme = "spiffe://";
constexpr std::string_view kZone = "zone:";

/// The stars of a pattern; nothing where it is none.
std::optional<int> starsOf(std::string_view text) {
  constexpr std::size_t kMostBytes = 1024;
  if (text.empty() || text.size() > kMostBytes) return std::nullopt;
  int stars = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return std::nullopt;
    if (text[i] == '\\') {
      ++i;
      if (i == text.size() || (text[i] != '*' && text[i] != '\\')) return std::nullopt;
    } else if (text[i] == '*') {
      ++stars;
      if (text.substr(i).starts_with("***")) return std::nullopt;
      if (text.substr(i).starts_with("**")) ++i;
    }
  }
  return stars;
}

bool isPattern(std::string_view text) {
  constexpr int kMostStars = 8;
  return starsOf(text).value_or(kMostStars + 1) <= kMostStars;
}

template <class Fits>
Word<Pattern> patternOf(std::string kind, Fits fits) {
  return {std::move(kind),
          [fits](std::string_view text) -> std::optional<Pattern> {
            if (!isPattern(text) || !fits(text)) return std::nullopt;
            return Pattern{std::string(text)};
          },
          [](const Pattern& pattern) { return pattern.text; }};
}

/// "spiffe://domain/path", with a star at the end for all that start so.
bool isIdentity(std::string_view text) {
  constexpr std::size_t kMostBytes = 2048;  // SPIFFE ID, section 2.3
  if (text.size() > kMostBytes) return false;
  text.remove_prefix(kIdentityScheme.size());
  const std::size_t star = text.find('*');
  if (star != std::string_view::npos && star + 1 != text.size()) return false;
  const std::size_t slash = text.find('/');
  const auto isPart = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("./-_*").find(c) != std::string_view::npos;
  };
  return slash != std::string_view::npos && slash > 0 && slash + 1 < text.size() && star > slash &&
         std::all_of(text.begin(), text.end(), isPart);
}

std::optional<Source> parseSource(std::string_view text) {
  if (text.starts_with(kIdentityScheme)) {
    if (!isIdentity(text)) return std::nullopt;
    return Source{Source::Kind::Identity, std::string(text), {}};
  }
  if (text.starts_with(kZone)) {
    const auto zone = label().parse(text.substr(kZone.size()));
    return zone ? std::optional(Source{Source::Kind::Zone, *zone, {}}) : std::nullopt;
  }
  if (const auto network = Cidr::parse(text)) return Source{Source::Kind::Network, {}, *network};
  // A network with a slip in it must not become a service that nobody has.
  if (text.find_first_not_of("0123456789.:") == std::string_view::npos) return std::nullopt;
  const auto service = serviceName().parse(text);
  return service ? std::optional(Source{Source::Kind::Service, *service, {}}) : std::nullopt;
}

std::string sourceText(const Source& source) {
  if (source.kind == Source::Kind::Network) return source.network.text();
  return (source.kind == Source::Kind::Zone ? std::string(kZone) : std::string()) + source.name;
}

}  // namespace

Word<Pattern> pattern() {
  return patternOf("a pattern like v2, v2* or *beta*", [](std::string_view) { return true; });
}

Word<Pattern> pathPattern() {
  return patternOf("a path pattern like /health, /users/*/cart or /api/**",
                   [](std::string_view text) { return text.front() == '/' || text.front() == '*'; });
}

Word<Pattern> hostPattern() {
  Word<Pattern> word = patternOf("a host pattern like shop.example or *.example", [](std::string_view text) {
    return text.find_first_of(" /") == std::string_view::npos;
  });
  word.parse = [parse = word.parse](std::string_view text) {
    auto host = parse(text);
    if (host) std::transform(host->text.begin(), host->text.end(), host->text.begin(), http::lower);
    return host;
  };
  return word;
}

Word<Source> source() { return {"a service, a SPIFFE id, a network or zone:NAME", parseSource, sourceText}; }

bool Match::needsExchange() const {
  return !methods.empty() || !paths.empty() || !hosts.empty() || !headers.empty() || !cookies.empty() ||
         !query.empty() || !userAgents.empty();
}

bool Match::fitsAll() const { return sources.empty() && ports.empty() && !needsExchange(); }

void Match::describe(Form& form) {
  constexpr std::size_t kMost = 64;
  constexpr std::size_t kMostSources = 1000;
  form.words("sources", sources, source(), kMostSources);
  form.integers("ports", ports, 1, 65'535, kMost);
  form.words("methods", methods, method(), kMost);
  form.words("paths", paths, pathPattern(), kMost);
  form.words("hosts", hosts, hostPattern(), kMost);
  form.map("headers", headers, headerName(), pattern(), kMost);
  form.map("cookies", cookies, cookieName(), pattern(), kMost);
  form.map("query", query, line(128), pattern(), kMost);
  form.words("user_agents", userAgents, pattern(), kMost);
}

}  // namespace loam::filters
