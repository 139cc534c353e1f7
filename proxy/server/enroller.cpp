#include "proxy/server/enroller.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "proxy/base/atomic_file.h"
#include "proxy/base/sha256.h"
#include "proxy/base/utc.h"
#include "proxy/tls/fault.h"

namespace loam::server {

namespace {

constexpr std::size_t kMostToken = 4096;
constexpr std::string_view kKeeping = "keeping the identity";

std::int64_t lifeOf(const tls::Certificate& leaf) {
  return std::max<std::int64_t>(leaf.notAfter() - leaf.notBefore(), 0);
}

/// `left` and `life` in seconds.
Enroller::Nearness nearnessOf(std::int64_t left, std::int64_t life, bool failing) {
  using Nearness = Enroller::Nearness;
  if (left <= 0) return Nearness::Over;
  if (left * 10 <= life) return Nearness::Tenth;
  if (left * 4 <= life) return Nearness::Quarter;
  return failing && left * 2 <= life ? Nearness::Half : Nearness::Far;
}

}  // namespace

Enroller::Enroller(JoinTerms terms, std::string tokenFile, IdentityFile file, const Clock& clock, Log& log)
    : terms_(std::move(terms)),
      tokenFile_(std::move(tokenFile)),
      clock_(clock),
      log_(log),
      identity_(std::move(file), terms_.controllerName),
      random_(std::random_device()()) {}

void Enroller::load() {
  if (const Status loaded = identity_.load(); !loaded) {
    const std::string path = identity_.file().path();
    std::error_code ignored;  // what stays in the way is written over by the next identity
    if (loaded.error().code == ErrorCode::Protocol) std::filesystem::rename(path, path + ".damaged", ignored);
    log_.error("identity", "the kept identity cannot be used: this proxy has to join again",
               {{"error", loaded.error().describe()}});
  }
  const auto kept = identity_.get();
  if (!kept) return;
  schedule(*kept);
  tried_ = kept->token;
  if (isUpToDate(*kept)) trustStep_ = kept->trust.step;
}

bool Enroller::hasNone() const {
  const auto identity = identity_.get();
  return !identity || unixSeconds(clock_.wall()) >= identity->leaf().notAfter();
}

io::Task<bool> Enroller::tend(io::EventLoop& loop, http::KeptConnection& connection) {
  warnOfExpiry();
  sayIfRevoked(connection);
  if (got_ && clock_.now() >= nextTry_) {
    if (const Status taken = take(); !taken) onFailure(kKeeping, taken.error());
  }
  if ((hasNone() || !heard_) && !got_ && clock_.now() >= nextTry_) {
    if (auto token = newToken()) co_await join(loop, *std::move(token));
  }
  if (hasNone()) co_return false;
  if (told_) believe();
  if (!got_ && clock_.now() >= nextTry_ && isDue(*identity_.get())) co_await renew(loop, connection);
  co_return true;
}

std::optional<std::string> Enroller::newToken() {
  auto token = readFile(tokenFile_, kMostToken);
  if (!token) {
    if (hasNone()) sayOnce("no join token: " + token.error().context);
    return std::nullopt;
  }
  token->erase(0, token->find_first_not_of(" \t\r\n"));
  token->erase(token->find_last_not_of(" \t\r\n") + 1);
  if (token->empty() || sha256Hex(*token) == tried_) {
    if (hasNone()) sayOnce(wanting());
    return std::nullopt;
  }
  return *std::move(token);
}

io::Task<void> Enroller::join(io::EventLoop& loop, std::string token) {
  const std::string hash = sha256Hex(token);
  auto joined = co_await askToJoin(loop, terms_, std::move(token), clock_.now() + kPatience);
  if (joined) {
    ++joins_;
    tried_ = joined->token = hash;
    log_.info("identity", "joined",
              {{"name", joined->leaf().spiffeId()}, {"until", utcText(joined->leaf().notAfter())}});
    got_ = *std::move(joined);
    if (const Status taken = take(); !taken) onFailure(kKeeping, taken.error());
    co_return;
  }
  if (joined.error().code != ErrorCode::InvalidArgument) co_return onFailure("joining", joined.error());
  ++failures_;
  tried_ = hash;
  said_ = wanting();
  log_.error("identity", "the controller refuses the join token: put a new one into the file",
             {{"file", tokenFile_}, {"error", joined.error().describe()}});
}

io::Task<void> Enroller::renew(io::EventLoop& loop, http::KeptConnection& connection) {
  auto renewed = co_await askToRenew(loop, connection, identity_.get(), clock_.now() + kPatience);
  if (!renewed) {
    co_return onFailure("renewing", renewed.error());
  }
  ++renewals_;
  log_.info("identity", "renewed", {{"until", utcText(renewed->leaf().notAfter())}});
  got_ = *std::move(renewed);
  if (const Status taken = take(); !taken) onFailure(kKeeping, taken.error());
}

Status Enroller::take() {
  Identity next = *got_;
  identity_.deny(std::exchange(next.trust.denied, {}));
  if (Status used = identity_.use(std::move(next)); !used) {
    if (used.error().code == ErrorCode::InvalidArgument) got_.reset();  // it never will do
    return used;
  }
  got_.reset();
  told_.reset();  // what an enrolment says is newer than whatever a snapshot said before it
  heard_ = true;
  said_.clear();
  const auto taken = identity_.get();
  schedule(*taken);
  backOff_ = milliseconds(0);
  nextTry_ = clock_.now();
  if (isUpToDate(*taken)) trustStep_ = taken->trust.step;
  if (isDue(*taken)) nextTry_ += kMostBackOff;  // a controller that gives what is no good is not asked in a circle
  return {};
}

bool Enroller::believes(const wire::Trust& trust) const {
  const auto identity = identity_.get();
  return identity && trust.roots == identity->trust.roots;
}

void Enroller::told(const wire::Trust& trust, bool restored) {
  const auto identity = identity_.get();
  if (!identity || (!restored && trust.step < identity->trust.step)) return;
  identity_.deny(trust.denied);
  wire::Trust told = trust;
  told.denied.clear();
  if (told == identity->trust) {
    told_.reset();
  } else {
    told_ = std::move(told);
  }
}

void Enroller::believe() {
  Identity next = *identity_.get();
  next.trust = *told_;
  if (const Status used = identity_.use(next); !used) {
    if (clock_.now() >= nextTry_) onFailure("keeping the roots to believe", used.error());
    return;
  }
  told_.reset();
  if (isUpToDate(next)) trustStep_ = next.trust.step;
  log_.info("identity", "believes what the controller says",
            {{"step", std::to_string(next.trust.step)}, {"roots", std::to_string(next.trust.roots.size())}});
}

void Enroller::schedule(const Identity& identity) {
  const tls::Certificate& leaf = identity.leaf();
  const std::int64_t life = lifeOf(leaf);
  // Half of it, a tenth of that earlier or later: those that joined together do not renew together.
  std::uniform_int_distribution<std::int64_t> drawn(life * 9 / 20, life * 11 / 20);
  renewAt_ = Wall(seconds(leaf.notBefore() + drawn(random_)));
  expires_ = leaf.notAfter();
  life_ = life;
  warned_ = Nearness::Far;
}

void Enroller::warnOfExpiry() {
  const auto identity = identity_.get();
  if (!identity) return;
  const tls::Certificate& leaf = identity->leaf();
  const std::int64_t left = leaf.notAfter() - unixSeconds(clock_.wall());
  const std::int64_t life = lifeOf(leaf);
  const Nearness near = nearnessOf(left, life, backOff_ != milliseconds(0));
  if (near <= std::exchange(warned_, near)) return;
  const std::string until = utcText(leaf.notAfter());
  switch (near) {
    case Nearness::Far:
      return;
    case Nearness::Half:  // of which a tenth is for the draw of the moment: it only counts where it was tried
      return log_.warn("identity", "half of the certificate's life is left, and it could not be renewed",
                       {{"until", until}});
    case Nearness::Quarter:
      return log_.error("identity", "less than a quarter of the certificate's life is left", {{"until", until}});
    case Nearness::Tenth:
      return log_.error("identity", "less than a tenth of the certificate's life is left", {{"until", until}});
    case Nearness::Over:
      said_.clear();
      log_.error("identity",
                 "the certificate has expired: relaying goes on, mutual TLS as each service's at_expiry says, and the "
                 "controller takes a new join token only",
                 {{"until", until}, {"token_file", tokenFile_}});
  }
}

void Enroller::sayIfRevoked(const http::KeptConnection& connection) {
  const auto& failure = connection.failure();
  const bool revoked = failure && tls::saysRevoked(*failure);
  if (!failure) saidRevoked_ = false;
  if (!revoked || std::exchange(saidRevoked_, true)) return;
  log_.error("identity", "the controller has revoked this proxy's certificate: relaying goes on, " + wanting());
}

void Enroller::onFailure(std::string_view doing, const Error& error) {
  ++failures_;
  const std::string words = std::string(doing) + " failed, and is tried again";
  const LogLevel level = error.code == ErrorCode::Denied ? LogLevel::Error : LogLevel::Warn;
  if (backOff_ == milliseconds(0)) log_.write(level, "identity", words, {{"error", error.describe()}});
  backOff_ = std::clamp(backOff_ * 2, kFirstBackOff, kMostBackOff);
  // Half of it fixed, half drawn: proxies that lost the controller together do not come back together (G12).
  std::uniform_int_distribution<std::int64_t> jitter(backOff_.count() / 2, backOff_.count());
  nextTry_ = clock_.now() + milliseconds(jitter(random_));
}

void Enroller::sayOnce(std::string words) {
  if (said_ == words) return;
  log_.error("identity", "this proxy cannot talk to its controller", {{"why", words}});
  said_ = std::move(words);
}

void collectIdentity(const Enroller::State& state, Wall now, MetricFamilies& families) {
  if (state.expires != 0) {
    addGauge(families, "loam_identity_expiry_seconds", "Until the proxy's certificate expires; negative since it has.",
             static_cast<double>(state.expires - unixSeconds(now)));
  }
  if (state.expires != 0 && state.life > 0) {
    const auto left = static_cast<double>(std::max<std::int64_t>(state.expires - unixSeconds(now), 0));
    addGauge(families, "loam_identity_life_left_ratio",
             "Of the certificate's life; it is renewed at about 0.5, and 0 when it has expired.",
             std::min(left / static_cast<double>(state.life), 1.0));
  }
  addCounter(families, "loam_identity_joins_total", "Identities got by a join token.",
             static_cast<double>(state.joins));
  addCounter(families, "loam_identity_renewals_total", "Certificates renewed.", static_cast<double>(state.renewals));
  addCounter(families, "loam_identity_failures_total",
             "Joins and renewals that failed, and identities that the disk did not take.",
             static_cast<double>(state.failures));
  addGauge(families, "loam_identity_trust_step", "The step of the trust that this proxy acknowledges; 0: none.",
           static_cast<double>(state.trustStep));
}

void describeIdentity(const Enroller& enroller, Json::Value& state) {
  const auto identity = enroller.identity().get();
  Json::Value& out = state["identity"];
  out["name"] = identity ? Json::Value(identity->leaf().spiffeId()) : Json::Value();
  if (!identity) return;
  out["expires"] = utcText(identity->leaf().notAfter());
  out["trust_step"] = Json::UInt64(enroller.state().trustStep);
}

}  // namespace loam::server
