#include "proxy/server/current_identity.h"

#include <utility>

#include "proxy/tls/stream.h"

namespace loam::server {

CurrentIdentity::CurrentIdentity(IdentityFile file, std::string controller)
    : file_(std::move(file)), controller_(std::move(controller)) {}

Status CurrentIdentity::load() {
  auto kept = file_.load();
  if (!kept) return fail(std::move(kept).error());
  if (!*kept) return {};
  if (const auto context = contextOf(**kept); !context) {
    return fail(ErrorCode::Protocol, file_.path() + ": " + context.error().context);
  }
  set(**std::move(kept));
  return {};
}

Status CurrentIdentity::use(Identity identity) {
  LOAM_TRY(contextOf(identity));
  LOAM_TRY(file_.store(identity));
  set(std::move(identity));
  return {};
}

void CurrentIdentity::set(Identity identity) {
  auto next = std::make_shared<const Identity>(std::move(identity));
  const std::lock_guard lock(mutex_);
  identity_ = std::move(next);
  ++identityVersion_;
  version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Identity> CurrentIdentity::get() const {
  const std::lock_guard lock(mutex_);
  return identity_;
}

Result<std::shared_ptr<const tls::Context>> CurrentIdentity::contextOf(const Identity& identity) const {
  auto roots = rootsOf(identity.trust);
  if (!roots) return fail(std::move(roots).error());
  return tls::Context::client({.own = identity.own, .roots = *std::move(roots)});
}

/// A context of its own for each connection: they are few, and of different threads.
Result<io::Wrap> CurrentIdentity::wrap() const {
  const auto identity = get();
  if (!identity) return fail(ErrorCode::Denied, "this proxy has no identity yet");
  auto context = contextOf(*identity);
  if (!context) return fail(std::move(context).error());
  return tls::asClient(*std::move(context), controllerOf(*identity, controller_));
}

http::Securing CurrentIdentity::securing() const {
  return {.wrap = [this] { return wrap(); },
          .version =
              [this] {
                const std::lock_guard lock(mutex_);
                return identityVersion_;
              }};
}

void CurrentIdentity::deny(std::vector<wire::Denied> denied) {
  auto next = std::make_shared<const std::vector<wire::Denied>>(std::move(denied));
  const std::lock_guard lock(mutex_);
  denied_ = std::move(next);
  version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const std::vector<wire::Denied>> CurrentIdentity::denied() const {
  const std::lock_guard lock(mutex_);
  return denied_;
}

}  // namespace loam::server
