#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::cli {

/// The script that makes `bash`, `zsh` or `fish` ask `loam __complete` for words; empty for another shell.
std::string completionScript(std::string_view shell);

/// Names that only the controller knows.
enum class NameKind : std::uint8_t { Service, Feature, Stage, Proxy, Change, Freeze, Webhook };
using Names = std::function<std::vector<std::string>(NameKind, const std::vector<std::string>& before)>;

/// What may follow the words typed so far (without the program's own name): the last one is being typed and may be
/// empty. `names` is asked where a name is expected; `before` are the positional words of the command so far. Sorted.
std::vector<std::string> complete(const CLI::App& app, const std::vector<std::string>& words, const Names& names = {});

}  // namespace loam::cli
