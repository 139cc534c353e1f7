#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace loam::cli {

/// The script that makes `bash`, `zsh` or `fish` ask `loam __complete` for words; empty for another shell.
std::string completionScript(std::string_view shell);

/// What may follow the words typed so far (without the program's own name): the last one is being typed and may be
/// empty. Sorted.
std::vector<std::string> complete(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace loam::cli
