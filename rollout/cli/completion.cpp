#include "rollout/cli/completion.h"

#include <algorithm>
#include <optional>
#include <utility>

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

/// Where the word that is being typed stands.
struct Place {
  const CLI::App* command = nullptr;
  const CLI::Option* expected = nullptr;  ///< whose value it is; null: a command or a new option
  bool wantsValue = false;                ///< of a named option
  std::vector<std::string> before;        ///< positional words of the command
};

const CLI::Option* optionOf(const CLI::App& command, const std::string& word) {
  for (const CLI::Option* option : command.get_options()) {
    if (word.starts_with("-") && option->check_name(word)) return option;
  }
  return nullptr;
}

Place placeOf(const CLI::App& app, const std::vector<std::string>& words) {
  Place place;
  place.command = &app;
  const CLI::Option* waiting = nullptr;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (std::exchange(waiting, nullptr) != nullptr) continue;
    if (const CLI::App* child = childOf(*place.command, words[i])) {
      place.command = child;
      place.before.clear();
    } else if (const CLI::Option* option = optionOf(*place.command, words[i])) {
      if (option->get_items_expected_max() > 0) waiting = option;
    } else if (!words[i].starts_with("-")) {
      place.before.push_back(words[i]);
    }
  }
  place.wantsValue = waiting != nullptr;
  place.expected = waiting;
  if (waiting != nullptr) return place;
  std::size_t position = 0;
  for (const CLI::Option* option : place.command->get_options()) {
    if (option->get_positional() && position++ == place.before.size()) place.expected = option;
  }
  return place;
}

std::optional<NameKind> kindOf(const CLI::Option& option, const CLI::App& command) {
  const std::string name = option.get_positional() ? option.get_name(true) : option.get_name();
  const std::string& text = option.get_option_text();
  const CLI::App* const noun = command.get_parent();
  if (text == "SERVICE" || text.starts_with("SERVICE|") || text.starts_with("SERVICE[") || name == "--service")
    return NameKind::Service;
  if (text == "FEATURE" || name == "--feature") return NameKind::Feature;
  if (text == "STAGE") return NameKind::Stage;
  if (text == "PROXY") return NameKind::Proxy;
  if (text == "WEBHOOK") return NameKind::Webhook;
  if (text == "ID" && noun != nullptr && noun->get_name() == "change") return NameKind::Change;
  if (text == "ID" && noun != nullptr && noun->get_name() == "freeze") return NameKind::Freeze;
  return std::nullopt;
}

}  // namespace

std::string completionScript(std::string_view shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  return {};
}

std::vector<std::string> complete(const CLI::App& app, const std::vector<std::string>& words, const Names& names) {
  const Place place = placeOf(app, words);
  const CLI::App* const command = place.command;
  const std::string typed = words.empty() ? std::string() : words.back();
  std::vector<std::string> found;
  for (const CLI::App* child : command->get_subcommands([](const CLI::App*) { return true; })) {
    if (!child->get_group().empty()) found.push_back(child->get_name());
  }
  const bool isLeaf = found.empty();
  if (place.expected != nullptr && !typed.starts_with('-')) {
    const auto kind = kindOf(*place.expected, *command);
    if (kind && names) found = names(*kind, place.before);
  } else if (isLeaf && place.wantsValue) {
    return {};
  }
  if (typed.starts_with('-') || (isLeaf && found.empty() && !place.wantsValue)) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) found.push_back("--" + name);
    }
  }
  std::erase_if(found, [&typed](const std::string& word) { return !word.starts_with(typed); });
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace loam::cli
