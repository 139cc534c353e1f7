#include "rollout/cli/completion.h"

#include <algorithm>

namespace loam::cli {

namespace {

constexpr std::string_view kBash = R"sh(# loam completion bash > /etc/bash_completion.d/loam
_loam() {
  mapfile -t COMPREPLY < <(loam __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _loam loam
)sh";

constexpr std::string_view kZsh = R"sh(#compdef loam
# loam completion zsh > "${fpath[1]}/_loam"
_loam() {
  local -a words_found
  words_found=("${(@f)$(loam __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a words_found
}
compdef _loam loam
)sh";

constexpr std::string_view kFish = R"sh(# loam completion fish > ~/.config/fish/completions/loam.fish
complete -c loam -f -a '(loam __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
)sh";

const CLI::App* childOf(const CLI::App& command, const std::string& word) {
  for (const CLI::App* child : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (!child->get_group().empty() && child->get_name() == word) return child;
  }
  return nullptr;
}

}  // namespace

std::string completionScript(std::string_view shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  return {};
}

std::vector<std::string> complete(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (const CLI::App* child = childOf(*command, words[i])) command = child;
  }
  const std::string typed = words.empty() ? std::string() : words.back();
  std::vector<std::string> found;
  for (const CLI::App* child : command->get_subcommands([](const CLI::App*) { return true; })) {
    if (!child->get_group().empty()) found.push_back(child->get_name());
  }
  if (typed.starts_with('-') || found.empty()) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) found.push_back("--" + name);
    }
  }
  std::erase_if(found, [&typed](const std::string& word) { return !word.starts_with(typed); });
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace loam::cli
