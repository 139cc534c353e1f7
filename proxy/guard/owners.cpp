#include "proxy/guard/owners.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "proxy/base/descriptor.h"
#include "proxy/guard/socket_table.h"

namespace loam::guard {

namespace {

constexpr std::size_t kMostProcesses = 65536;
constexpr std::size_t kMostBytes = 16 * 1024;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

/// Calls `each` with every entry of `path` that is a number.
template <class Each>
void numbersIn(const std::string& path, Each each) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name(entry->d_name);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) each(number);
  }
}

std::string linkTarget(const std::string& path) {
  std::array<char, 4096> buffer;
  const ssize_t size = ::readlink(path.c_str(), buffer.data(), buffer.size());
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string contents(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(kMostBytes, '\0');
  const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

/// Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and brackets, so counting starts behind its last
/// ')'.
std::uint64_t startTime(const std::string& stat) {
  std::size_t at = stat.rfind(')');
  if (at == std::string::npos) return 0;
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  return at == std::string::npos ? 0 : std::strtoull(stat.c_str() + at + 1, nullptr, 10);
}

std::string baseName(std::string path) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path.substr(path.rfind('/') + 1);
}

bool isUnit(std::string_view part) { return part.ends_with(".service") || part.ends_with(".scope"); }

}  // namespace

std::string unitOf(std::string_view cgroupFile) {
  while (!cgroupFile.empty()) {
    const std::string_view line = cgroupFile.substr(0, cgroupFile.find('\n'));
    cgroupFile.remove_prefix(std::min(line.size() + 1, cgroupFile.size()));
    // The unified hierarchy, or systemd's own where version 1 is in use.
    if (!line.starts_with("0::") && line.find(":name=systemd:") == std::string_view::npos) continue;
    std::string_view path = line.substr(line.find(':', line.find(':') + 1) + 1);
    std::string_view leaf;
    while (!path.empty()) {
      const std::string_view part = path.substr(path.rfind('/') + 1);
      path = path.substr(0, path.size() - std::min(part.size() + 1, path.size()));
      if (isUnit(part)) return std::string(part);
      if (leaf.empty()) leaf = part;
    }
    if (!leaf.empty()) return std::string(leaf);
  }
  return {};
}

const Owners::Process& Owners::look(std::uint32_t pid) {
  const std::string directory = root_ + "/" + std::to_string(pid);
  const std::uint64_t started = startTime(contents(directory + "/stat"));
  const auto found = processes_.find(pid);
  if (found != processes_.end() && found->second.started == started) return found->second;
  if (processes_.size() >= kMostProcesses) processes_.clear();
  Process& process = processes_[pid];
  process = {started, baseName(linkTarget(directory + "/exe")), unitOf(contents(directory + "/cgroup"))};
  return process;
}

/// Whether a pid that is remembered still is the process that it was.
bool Owners::lives(std::uint32_t pid) {
  const std::uint64_t before = processes_[pid].started;
  return look(pid).started == before;
}

void Owners::fill(std::vector<SocketFact>& facts) {
  std::unordered_map<std::uint32_t, bool> alive;
  std::vector<PidsByInode::Entry> known;
  std::vector<PidsByInode::Entry> unknown;
  for (const SocketFact& fact : facts) {
    if (fact.inode == 0) continue;
    const std::uint32_t* pid = owners_.find(fact.inode);
    if (pid != nullptr && *pid != 0) {
      const auto [process, unseen] = alive.try_emplace(*pid);
      if (unseen) process->second = lives(*pid);
      if (!process->second) pid = nullptr;  // it ended, and a child may hold the socket
    }
    (pid != nullptr ? known : unknown).emplace_back(fact.inode, pid != nullptr ? *pid : 0);
  }
  PidsByInode wanted(std::move(unknown));
  if (!wanted.empty()) search(wanted);
  known.insert(known.end(), wanted.entries().begin(), wanted.entries().end());
  owners_ = PidsByInode(std::move(known));
  for (SocketFact& fact : facts) {
    const std::uint32_t* pid = owners_.find(fact.inode);
    if (pid == nullptr || *pid == 0) continue;
    const Process& process = processes_[*pid];
    fact.pid = *pid;
    fact.exe = process.exe;
    fact.unit = process.unit;
  }
}

void Owners::search(PidsByInode& wanted) {
  numbersIn(root_, [&](std::uint32_t pid) {
    const std::string descriptors = root_ + "/" + std::to_string(pid) + "/fd";
    numbersIn(descriptors, [&](std::uint32_t descriptor) {
      constexpr std::string_view kSocket = "socket:[";
      const std::string target = linkTarget(descriptors + "/" + std::to_string(descriptor));
      if (!target.starts_with(kSocket)) return;
      std::uint32_t* owner = wanted.find(std::strtoull(target.c_str() + kSocket.size(), nullptr, 10));
      if (owner == nullptr || *owner != 0) return;  // shared with children: the first, lowest pid owns it
      look(pid);
      *owner = pid;
    });
  });
}

Result<std::vector<SocketFact>> readSockets() {
  Owners owners;
  return readSockets(owners);
}

Result<std::vector<SocketFact>> readSockets(Owners& owners) {
  std::vector<SocketFact> facts;
  constexpr std::uint32_t kAll = 0xfff & ~(1u << 6);  // every state but TIME_WAIT (6), which has no owner
  LOAM_TRY(socket_table::visit(kAll, 0, [&](const SocketFact& fact, unsigned) { facts.push_back(fact); }));
  owners.fill(facts);
  return facts;
}

}  // namespace loam::guard
