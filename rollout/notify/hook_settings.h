#pragma once

#include <set>
#include <string>
#include <vector>

#include "proxy/base/yaml.h"
#include "rollout/notify/hook_url.h"
#include "rollout/notify/notice.h"

namespace loam::notify {

/// One webhook as controller.yaml has it: nobody makes one over the API, so that nobody can have the controller call
/// addresses (C7), and no secret is in control.db.
struct HookSettings {
  std::string name;
  HookUrl url;
  std::string secretFile;
  std::string secret;        ///< what the file held; signs every request
  std::string caFile;        ///< of the authorities that vouch for the receiver; empty: the host's own
  std::set<Event> events{};  ///< that it is told of; empty: all

  bool wants(Event event) const { return events.empty() || events.contains(event); }
};

constexpr std::size_t kMostHooks = 32;
constexpr std::size_t kLeastSecret = 16;  ///< bytes
constexpr std::size_t kMostSecret = 4096;

/// The file's content without the line end behind it. Denied when the world may read it, InvalidArgument for one that
/// is too short or too long to be a secret. No error quotes it.
Result<std::string> readSecret(const std::string& file);

/// Reads the list "webhooks" and the files that it names. What is wrong goes to the problems of `root`.
std::vector<HookSettings> readWebhooks(YamlMapping& root);

}  // namespace loam::notify
