#include "shadow/observe/hosts_file.h"

#include <fstream>
#include <iterator>

#include "shadow/observe/names.h"

namespace loam::observe {

namespace {

constexpr std::size_t kMostHostsBytes = 1024 * 1024;

std::string_view nextWord(std::string_view& line) {
  const auto from = line.find_first_not_of(" \t\r\f\v");
  if (from == std::string_view::npos) return line = {};
  const auto to = line.find_first_of(" \t\r\f\v", from);
  const std::string_view word = line.substr(from, to == std::string_view::npos ? to : to - from);
  line = to == std::string_view::npos ? std::string_view() : line.substr(to);
  return word;
}

bool isMulticast(const IpAddress& address) {
  return address.isV4() ? (address.v4Bytes()[0] & 0xf0) == 0xe0 : address.bytes()[0] == 0xff;
}

}  // namespace

std::vector<HostsEntry> parseHosts(std::string_view text) {
  std::vector<HostsEntry> entries;
  while (!text.empty() && entries.size() < kMostHostsEntries) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    line = line.substr(0, line.find('#'));
    const auto address = IpAddress::parse(nextWord(line));
    if (!address || address->isLoopback() || address->isUnspecified() || isMulticast(*address)) continue;
    for (std::string_view word = nextWord(line); !word.empty(); word = nextWord(line)) {
      if (const std::string name = normaliseName(word); !name.empty()) {
        entries.push_back({*address, name});
        break;
      }
    }
  }
  return entries;
}

std::vector<HostsEntry> readHosts(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMostHostsBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || file.gcount() <= 0 || static_cast<std::size_t>(file.gcount()) > kMostHostsBytes) return {};
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parseHosts(text);
}

}  // namespace loam::observe
