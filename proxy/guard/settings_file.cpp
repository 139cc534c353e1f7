#include "proxy/guard/settings_file.h"

#include <pwd.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <set>

namespace loam::guard {

namespace {

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// Reads one document and remembers every mistake with its place.
class SettingsReader {
 public:
  explicit SettingsReader(std::string name) : name_(std::move(name)) {}

  using Fields = std::map<std::string, std::function<void(const YAML::Node&)>>;

  void mistake(const YAML::Mark& mark, const std::string& expected) {
    mistakes_.append(mistakes_.empty() ? "" : "\n").append(name_);
    mistakes_.append(":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": " + expected);
  }

  void map(const YAML::Node& node, const Fields& fields) {
    if (node.IsNull()) return;
    if (!node.IsMap()) return mistake(node.Mark(), "expected keys and values");
    std::set<std::string> seen;
    for (const auto& pair : node) {
      const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : "";
      const auto field = fields.find(key);
      if (field == fields.end()) {
        mistake(pair.first.Mark(), "unknown key '" + key + "', expected one of: " + names(fields));
      } else if (!seen.insert(key).second) {
        mistake(pair.first.Mark(), "key '" + key + "' stands here a second time");
      } else {
        field->second(pair.second);
      }
    }
  }

  std::function<void(const YAML::Node&)> flag(bool& out) {
    return [this, &out](const YAML::Node& node) {
      const std::string text = node.IsScalar() ? node.Scalar() : "";
      if (text != "true" && text != "false") return mistake(node.Mark(), "expected true or false");
      out = text == "true";
    };
  }

  template <class T>
  std::function<void(const YAML::Node&)> number(T& out) {
    return [this, &out](const YAML::Node& node) {
      const auto value = node.IsScalar() ? guard::number<T>(node.Scalar()) : std::nullopt;
      if (!value) return mistake(node.Mark(), "expected a whole number in range");
      out = *value;
    };
  }

  std::function<void(const YAML::Node&)> text(std::string& out) {
    return [this, &out](const YAML::Node& node) {
      if (!node.IsScalar() || node.Scalar().empty()) return mistake(node.Mark(), "expected a text");
      out = node.Scalar();
    };
  }

  /// A list, or one value; `parse` makes a Result of each entry's text, of a T or of a vector of T.
  template <class T, class Parse>
  std::function<void(const YAML::Node&)> list(std::vector<T>& out, Parse parse) {
    return [this, &out, parse](const YAML::Node& node) {
      if (node.IsScalar()) return entry(node, out, parse);
      if (!node.IsSequence()) return mistake(node.Mark(), "expected a list");
      for (const YAML::Node& each : node) entry(each, out, parse);
    };
  }

  const std::string& mistakes() const { return mistakes_; }

 private:
  static std::string names(const Fields& fields) {
    std::string all;
    for (const auto& [name, read] : fields) all.append(all.empty() ? "" : ", ").append(name);
    return all;
  }

  template <class T, class Parse>
  void entry(const YAML::Node& node, std::vector<T>& out, Parse parse) {
    if (!node.IsScalar()) return mistake(node.Mark(), "expected a value");
    auto value = parse(node.Scalar());
    if (!value) return mistake(node.Mark(), value.error().context);
    if constexpr (std::is_same_v<std::decay_t<decltype(*value)>, T>) {
      out.push_back(std::move(*value));
    } else {
      out.insert(out.end(), value->begin(), value->end());
    }
  }

  std::string name_;
  std::string mistakes_;
};

void readInboundPorts(SettingsReader& reader, const YAML::Node& node, CaptureSettings& capture) {
  const std::string text = node.IsScalar() ? node.Scalar() : "";
  capture.inbound = text != "none";
  if (text == "none" || text == "all") return;
  reader.list(capture.inboundPorts, parsePorts)(node);
}

void readAll(SettingsReader& reader, const YAML::Node& root, GuardSettings& settings) {
  CaptureSettings& capture = settings.capture;
  Footprint& footprint = settings.footprint;
  const SettingsReader::Fields captureFields{
      {"outbound", reader.flag(capture.outbound)},
      {"inbound", [&](const YAML::Node& node) { readInboundPorts(reader, node, capture); }},
      {"include_ports", reader.list(capture.includePorts, parsePorts)},
      {"exclude_ports", reader.list(capture.excludePorts, parsePorts)},
      {"include_addresses", reader.list(capture.includeAddresses, Cidr::parse)},
      {"exclude_addresses", reader.list(capture.excludeAddresses, Cidr::parse)},
      {"include_users", reader.list(capture.includeUsers, parseUser)},
      {"exclude_users", reader.list(capture.excludeUsers, parseUser)},
      {"dns_answers", reader.flag(capture.dnsAnswers)},
      {"notrack_own", reader.flag(capture.notrackOwn)}};
  const SettingsReader::Fields footprintFields{{"outbound_port", reader.number(footprint.outboundPort)},
                                               {"inbound_port", reader.number(footprint.inboundPort)},
                                               {"peer_port", reader.number(footprint.peerPort)},
                                               {"mark", reader.number(footprint.mark)},
                                               {"transparent_mark", reader.number(footprint.transparentMark)},
                                               {"zone", reader.number(footprint.zone)},
                                               {"route_table", reader.number(footprint.routeTable)},
                                               {"rule_priority", reader.number(footprint.rulePriority)},
                                               {"dns_group", reader.number(footprint.dnsGroup)}};
  reader.map(root, {{"socket", reader.text(settings.socket)},
                    {"state_dir", reader.text(settings.state)},
                    {"user", reader.text(settings.user)},
                    {"capture", [&](const YAML::Node& node) { reader.map(node, captureFields); }},
                    {"footprint", [&](const YAML::Node& node) { reader.map(node, footprintFields); }}});
}

}  // namespace

Result<GuardSettings> parseGuardSettings(const std::string& text, const std::string& name) {
  SettingsReader reader(name);
  GuardSettings settings;
  try {
    readAll(reader, YAML::Load(text), settings);
  } catch (const YAML::Exception& broken) {
    reader.mistake(broken.mark, broken.msg);
  }
  if (!reader.mistakes().empty()) return fail(ErrorCode::InvalidArgument, reader.mistakes());
  LOAM_TRY(check(settings.capture));
  LOAM_TRY(check(settings.footprint));
  return settings;
}

Result<std::vector<std::uint16_t>> parsePorts(std::string_view text) {
  constexpr unsigned kMostRange = 1024;
  std::vector<std::uint16_t> ports;
  const std::string all(text);
  for (bool more = true; more;) {
    const std::string_view part = text.substr(0, text.find(','));
    more = part.size() < text.size();
    text.remove_prefix(part.size() + (more ? 1 : 0));
    const std::size_t dash = part.find('-');
    const auto first = number<std::uint16_t>(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number<std::uint16_t>(part.substr(dash + 1));
    if (!first || !last || *first == 0 || *last < *first || *last - *first >= static_cast<int>(kMostRange)) {
      return fail(ErrorCode::InvalidArgument, "'" + all + "' is no list of ports such as 80,443,8000-8002");
    }
    for (unsigned port = *first; port <= *last; ++port) ports.push_back(static_cast<std::uint16_t>(port));
  }
  return ports;
}

Result<std::uint32_t> parseUser(const std::string& text) {
  if (const auto uid = number<std::uint32_t>(text)) return *uid;
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  ::getpwnam_r(text.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) return fail(ErrorCode::NotFound, "there is no user '" + text + "' on this host");
  return entry.pw_uid;
}

}  // namespace loam::guard
