#pragma once

#include <CLI/CLI.hpp>
#include <json/value.h>
#include <tl/expected.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/home.h"
#include "proxy/http/message.h"
#include "rollout/cli/exit_status.h"
#include "rollout/cli/terminal.h"

namespace loam::cli {

/// Why a command cannot go on: what to end with and what to say.
struct Failure {
  ExitStatus status = kError;
  std::string text;
  Json::Value problem{};  ///< of the controller, where it was one
};
template <class T>
using Outcome = tl::expected<T, Failure>;

using Headers = std::vector<std::pair<std::string, std::string>>;

/// What all commands of one run share: the terminal, the options that many of them take, and the way to the controller.
class Session {
 public:
  Session(Terminal onto, Home of) : terminal(onto), home(std::move(of)) {}

  Terminal terminal;
  Home home;

  milliseconds patience{30'000};  ///< with the controller, for each answer

  // Options, filled by CLI11.
  std::string controller;  ///< path or HOST:PORT; empty: the one of `home`
  std::string output = "table";
  std::string window = "-15m";
  std::string from;
  std::string to;

  /// Declares -o of `command`.
  void addOutput(CLI::App& command);
  /// Declares --controller.
  void addController(CLI::App& command);
  /// Declares --window, --from and --to.
  void addWindow(CLI::App& command);

  /// "from=-15m&to=now", of the options.
  std::string windowQuery() const;

  /// Sends a request to the controller; an answer that is a problem becomes a Failure with its detail and suggestions.
  Outcome<http::Response> send(http::Request request) const;
  Outcome<Json::Value> get(const std::string& target) const;
  /// All pages of a list; `list` names the member that holds it.
  Outcome<Json::Value> getAll(const std::string& target, const char* list) const;
  /// Sends a JSON body, and reads the one of the answer; null where it has none.
  Outcome<Json::Value> change(const std::string& method, const std::string& target, const Json::Value& body,
                              Headers headers = {}) const;

  /// Prints a document as -o says, json, yaml, ndjson or name; false for table and wide, which only the command knows.
  /// `list` names the member that holds the list; empty: the document is the thing itself. `nameOf` gives a line.
  bool printStructured(const Json::Value& document, const char* list,
                       const std::function<std::string(const Json::Value&)>& nameOf) const;
  bool isWide() const { return output == "wide"; }

  /// Says why on stderr, with all that the controller said, and gives the status to end with.
  int end(const Failure& failure) const;

  /// Has `act` run once `command` was chosen; it gives the exit status.
  void runs(CLI::App& command, std::function<int()> act);
  /// Runs what was chosen; a usage error when nothing was.
  int run() const { return chosen_ ? chosen_() : kUsage; }

 private:
  std::function<int()> chosen_;
};

/// Appends "&key=value" when there is a value.
void addParameter(std::string& target, std::string_view key, const std::string& value);

}  // namespace loam::cli
