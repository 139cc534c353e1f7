#include "rollout/cli/man_page.h"

#include <algorithm>
#include <string_view>

namespace loam::cli {

namespace {

/// Text that roff takes as it is: backslashes and hyphens escaped, no line starts with a request.
std::string roff(std::string_view text) {
  std::string out;
  bool lineStart = true;
  for (const char c : text) {
    if (lineStart && (c == '.' || c == '\'')) out.append("\\&");
    if (c == '\\') {
      out.append("\\e");
    } else if (c == '-') {
      out.append("\\-");
    } else {
      out.push_back(c);
    }
    lineStart = c == '\n';
  }
  return out;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

/// "loam-graph-show" -> "loam graph show".
std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '-', ' ');
  return name;
}

bool isShown(const CLI::App* command) { return !command->get_group().empty(); }

std::string positionals(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = option->get_option_text().empty() ? option->get_name(true) : option->get_option_text();
    text.append(option->get_required() ? " " + name : " [" + name + "]");
  }
  return text;
}

void appendOptions(std::string& page, const CLI::App& command) {
  bool any = false;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;
    if (!any) page.append(".SH OPTIONS\n");
    any = true;
    const std::string value = option->get_option_text();
    const bool named = !option->get_lnames().empty() || !option->get_snames().empty();
    page.append(".TP\n.B ").append(roff(named ? option->get_name(false, true) : value)).append(" ");
    page.append(named && option->get_items_expected_max() > 0 ? roff(value) : "").append("\n");
    page.append(roff(option->get_description())).append("\n");
  }
}

void appendCommands(std::string& page, const std::string& name, const CLI::App& command) {
  bool any = false;
  for (const CLI::App* child : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (!isShown(child)) continue;
    if (!any) page.append(".SH COMMANDS\n");
    any = true;
    page.append(".TP\n.B ").append(roff(spaced(name) + " " + child->get_name())).append("\n");
    page.append(roff(child->get_description())).append("\n");
  }
}

}  // namespace

std::vector<std::pair<std::string, const CLI::App*>> commandTree(const CLI::App& app) {
  std::vector<std::pair<std::string, const CLI::App*>> tree = {{"loam", &app}};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const auto [name, command] = tree[i];
    for (const CLI::App* child : command->get_subcommands([](const CLI::App*) { return true; })) {
      if (isShown(child)) tree.emplace_back(name + "-" + child->get_name(), child);
    }
  }
  return tree;
}

std::string manPageOfHelp(const std::string& name, std::string_view help) {
  std::string summary(help.substr(0, help.find('\n')));
  if (summary.ends_with('.')) summary.pop_back();
  std::string page = ".TH " + roff(upper(name)) + " 8 \"\" \"Loam " LOAM_VERSION "\" \"Loam\"\n";
  page.append(".SH NAME\n").append(roff(name)).append(" \\- ").append(roff(summary)).append("\n");
  page.append(".SH SYNOPSIS\n.B ").append(roff(name)).append("\n[OPTIONS]\n");
  page.append(".SH DESCRIPTION\n.nf\n").append(roff(help));
  page.append(
      ".fi\n.SH EXIT STATUS\n0 ended in good order, 1 error, 2 usage, 4 another one has its files or sockets.\n");
  page.append(".SH ENVIRONMENT\n.TP\n.B LOAM_HOME\nDirectory of state and sockets.\n");
  return page;
}

std::string manPage(const std::string& name, const CLI::App& command) {
  std::string page = ".TH " + roff(upper(name)) + " 1 \"\" \"Loam " LOAM_VERSION "\" \"Loam\"\n";
  page.append(".SH NAME\n").append(roff(name)).append(" \\- ").append(roff(command.get_description())).append("\n");
  page.append(".SH SYNOPSIS\n.B ").append(roff(spaced(name))).append("\n");
  const bool hasCommands = !command.get_subcommands([](const CLI::App* child) { return isShown(child); }).empty();
  page.append(hasCommands ? "COMMAND [OPTIONS]\n" : roff("[OPTIONS]" + positionals(command)) + "\n");
  appendCommands(page, name, command);
  appendOptions(page, command);
  if (!command.get_footer().empty())
    page.append(".SH NOTES\n.nf\n").append(roff(command.get_footer())).append("\n.fi\n");
  page.append(
      ".SH EXIT STATUS\n0 done, 1 error, 2 usage, 3 not found, 4 conflict, 5 not ready, 6 timeout, 7 waits for a "
      "person, 8 unreachable, 9 denied.\n");
  page.append(".SH ENVIRONMENT\n.TP\n.B LOAM_HOME\nDirectory of state and sockets.\n");
  page.append(".TP\n.B NO_COLOR\nNo colour, whatever the terminal.\n");
  return page;
}

}  // namespace loam::cli
