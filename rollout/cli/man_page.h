#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace loam::cli {

/// The program and its commands, outside in: ("loam", app), ("loam-graph", ...), ("loam-graph-show", ...). Commands of
/// the empty group are hidden.
std::vector<std::pair<std::string, const CLI::App*>> commandTree(const CLI::App& app);

/// The page of one command in roff, of the same descriptions that --help shows. The same tree gives the same bytes.
std::string manPage(const std::string& name, const CLI::App& command);

/// The page of another program, of what its --help prints.
std::string manPageOfHelp(const std::string& name, std::string_view help);

}  // namespace loam::cli
