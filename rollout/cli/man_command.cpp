#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "rollout/cli/commands.h"
#include "rollout/cli/man_page.h"

namespace loam::cli {

namespace {

/// What a program of ours beside this one says of itself; empty when it is not there.
std::string helpOf(const std::string& name) {
  std::error_code unknown;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", unknown);
  const std::filesystem::path program = self.parent_path() / name;
  if (unknown || !std::filesystem::exists(program, unknown)) return {};
  std::string quoted = program.string();
  for (auto at = quoted.find('\''); at != std::string::npos; at = quoted.find('\'', at + 4))
    quoted.replace(at, 1, "'\\''");
  std::FILE* const pipe = ::popen(("'" + quoted + "' --help 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {};
  std::string help;
  std::array<char, 4096> piece{};
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), pipe)) != 0;)
    help.append(piece.data(), got);
  return ::pclose(pipe) == 0 ? help : std::string();
}

bool write(const std::string& path, const std::string& page) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << page;
  out.close();
  return out.good();
}

int writeAll(const Session& session, const CLI::App& app, const std::string& directory) {
  std::size_t pages = 0;
  const auto keep = [&](const std::string& file, const std::string& page) {
    ++pages;
    return write(directory + "/" + file, page);
  };
  for (const auto& [name, command] : commandTree(app)) {
    if (!keep(name + ".1", manPage(name, *command)))
      return session.end({kError, "writing " + directory + "/" + name + ".1 failed", {}});
  }
  for (const char* name : {"loam-controller", "loam-proxy", "loam-guard"}) {
    const std::string help = helpOf(name);
    if (help.empty()) {
      session.terminal.err << "no " << name << " beside this program: it gets no page\n";
    } else if (!keep(std::string(name) + ".8", manPageOfHelp(name, help))) {
      return session.end({kError, "writing " + directory + "/" + name + ".8 failed", {}});
    }
  }
  session.terminal.err << pages << " pages\n";
  return kOk;
}

}  // namespace

void addManCommand(CLI::App& app, Session& session) {
  CLI::App& man = *app.add_subcommand("man", "Man pages of every program and command, of what --help says");
  man.footer("Examples:\n  loam man | man -l -\n  loam man /usr/local/share/man");
  const auto directory = std::make_shared<std::string>();
  man.add_option("directory", *directory, "where to write them; without it this program's own goes to stdout")
      ->option_text("DIR");
  session.runs(man, [&app, &session, directory] {
    if (!directory->empty()) return writeAll(session, app, *directory);
    session.terminal.out << manPage("loam", app);
    return static_cast<int>(kOk);
  });
}

}  // namespace loam::cli
