#include "rollout/notify/hook_settings.h"

#include <algorithm>
#include <utility>

#include "proxy/base/fields.h"
#include "proxy/base/nearest.h"
#include "proxy/tls/named_server.h"
#include "rollout/identity/private_file.h"
#include "rollout/notify/address_rule.h"

namespace loam::notify {

namespace {

bool isHookName(std::string_view name) {
  constexpr std::size_t kMost = 64;
  const auto formed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  return !name.empty() && name.size() <= kMost && std::all_of(name.begin(), name.end(), formed);
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

void readName(YamlMapping& from, const std::vector<HookSettings>& before, HookSettings& hook) {
  from.require("name");
  hook.name = from.text("name").value_or("");
  if (!from.has("name")) return;
  if (!isHookName(hook.name)) {
    return from.problem("name", "name: expected 1 to 64 of a-z, 0-9, '-' and '_', found " + inQuotes(hook.name));
  }
  const bool taken = std::any_of(before.begin(), before.end(), [&](const auto& one) { return one.name == hook.name; });
  if (taken) from.problem("name", "name: another webhook is called " + inQuotes(hook.name) + " already");
}

void readUrl(YamlMapping& from, HookSettings& hook) {
  from.require("url");
  const auto text = from.text("url");
  if (!text) return;
  auto url = HookUrl::parse(*text);  // its errors never quote it: a query may be a secret
  if (!url) return from.problem("url", "url: " + url.error().context);
  hook.url = *std::move(url);
  if (!hook.url.address) return;
  const std::string_view why = whyNever(*hook.url.address, true);
  if (!why.empty())
    from.problem("url", "url: " + hook.url.host + " is " + std::string(why) + ", which is never called");
}

void readSecretOf(YamlMapping& from, HookSettings& hook) {
  from.require("secret_file");
  hook.secretFile = from.text("secret_file").value_or("");
  if (hook.secretFile.empty()) return;
  auto secret = readSecret(hook.secretFile);
  if (!secret) return from.problem("secret_file", "secret_file: " + secret.error().context);
  hook.secret = *std::move(secret);
}

void readAuthorities(YamlMapping& from, HookSettings& hook) {
  hook.caFile = from.text("ca_file").value_or("");
  if (hook.url.host.empty()) return;  // whatever it is, it was said
  if (!hook.url.tls) {
    if (from.has("ca_file")) from.problem("ca_file", "ca_file: nothing vouches for a receiver over plain http");
    return;
  }
  const auto context = tls::clientOf(hook.url.host, hook.caFile, true);
  if (context) return;
  const std::string& why = context.error().context;
  if (from.has("ca_file")) return from.problem("ca_file", "ca_file: " + why);
  from.problem("url", "url: https needs the host's authorities, or ca_file: " + why);
}

void readEvents(YamlMapping& from, HookSettings& hook) {
  const std::vector<std::string> known = eventNames();
  const std::vector<std::string> names = from.texts("events");
  for (const std::string& name : names) {
    if (const auto event = eventNamed(name)) {
      hook.events.insert(*event);
      continue;
    }
    const std::string hint = didYouMean(name, known);
    from.problem("events", "events: there is no event " + inQuotes(name) +
                               (hint.empty() ? "; expected some of " + listed(known) : hint));
  }
  if (from.has("events") && names.empty())
    from.problem("events", "events: expected names; without the key all are told");
}

}  // namespace

Result<std::string> readSecret(const std::string& file) {
  auto secret = identity::readPrivateFile(file, identity::kNotTheWorld);
  if (!secret) return secret;
  if (secret->ends_with('\n')) secret->pop_back();
  if (secret->ends_with('\r')) secret->pop_back();
  if (secret->size() >= kLeastSecret && secret->size() <= kMostSecret) return secret;
  return fail(ErrorCode::InvalidArgument, file + " has " + std::to_string(secret->size()) +
                                              " bytes; expected a secret of 16 to 4096 (openssl rand -hex 32)");
}

std::vector<HookSettings> readWebhooks(YamlMapping& root) {
  std::vector<HookSettings> hooks;
  for (YamlMapping& from : root.mappings("webhooks", {"name", "url", "secret_file", "ca_file", "events"})) {
    HookSettings hook;
    readName(from, hooks, hook);
    readUrl(from, hook);
    readSecretOf(from, hook);
    readAuthorities(from, hook);
    readEvents(from, hook);
    hooks.push_back(std::move(hook));
  }
  if (hooks.size() > kMostHooks) root.problem("webhooks", "webhooks: expected at most 32");
  return hooks;
}

}  // namespace loam::notify
