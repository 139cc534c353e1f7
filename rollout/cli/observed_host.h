#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rollout/cli/child.h"
#include "rollout/cli/session.h"

namespace loam::cli {

/// What `loam observe` starts: a controller and a proxy, and a guard when the host is captured, in a private directory
/// that goes with it.
class ObservedHost {
 public:
  struct Plan {
    std::string listen;  ///< explicit port; empty: the whole host is captured
    std::string to;
  };

  /// Starts them and waits until the proxy has reported.
  static Outcome<ObservedHost> start(const Plan& plan);
  ObservedHost(ObservedHost&& other) noexcept;
  ObservedHost& operator=(ObservedHost&&) = delete;
  /// Kills what still runs and removes the directory.
  ~ObservedHost();

  std::string controllerSocket() const { return directory_ + "/run/controller.sock"; }
  /// The name and last words of a program that ended by itself.
  std::optional<std::string> broken();
  /// Takes capture off and ends the programs. False while relayed connections go on: call it again.
  bool end(bool cutConnections);
  /// Relayed connections that end() waits for.
  std::uint32_t relayed() const { return relayed_; }

 private:
  explicit ObservedHost(std::string directory) : directory_(std::move(directory)) {}
  Outcome<void> startPrograms(const Plan& plan);
  Outcome<void> startProgram(const std::string& name, const std::vector<std::string>& arguments,
                             std::optional<Child>& child);
  Outcome<void> waitForReport();
  Failure failureOf(const std::string& name, const Child& child) const;

  std::string directory_;
  std::optional<Child> guard_;
  std::optional<Child> controller_;
  std::optional<Child> proxy_;
  bool ending_ = false;
  std::uint32_t relayed_ = 0;
};

}  // namespace loam::cli
