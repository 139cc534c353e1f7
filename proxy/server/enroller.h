#pragma once

#include <json/value.h>

#include <atomic>
#include <optional>
#include <random>
#include <string>

#include "proxy/base/log.h"
#include "proxy/server/current_identity.h"
#include "proxy/server/enrolment_client.h"
#include "proxy/server/metrics.h"

namespace loam::server {

/// Gets this proxy its identity and keeps it good: joins with a token while there is none, renews it from half of its
/// life on, follows the roots that snapshots tell of. Does what is due between two questions of the snapshot source, on
/// its loop; what fails is tried again after a pause that grows. Without an identity, or with one that has expired,
/// traffic goes on as the last snapshot says.
class Enroller {
 public:
  /// How near its end a certificate is that was not renewed: what is said once each.
  enum class Nearness : std::uint8_t { Far, Half, Quarter, Tenth, Over };
  struct State {
    std::int64_t expires = 0;  ///< unix seconds; 0: no identity
    std::int64_t life = 0;     ///< seconds, of the whole certificate
    std::uint64_t joins = 0;
    std::uint64_t renewals = 0;
    std::uint64_t failures = 0;   ///< of joins, of renewals, and of keeping what came of them
    std::uint64_t trustStep = 0;  ///< acknowledged
  };

  static constexpr milliseconds kLook{500};  ///< how often a token is looked for
  static constexpr milliseconds kPatience{10'000};
  static constexpr milliseconds kFirstBackOff{1000};
  static constexpr milliseconds kMostBackOff{60'000};

  /// `tokenFile` holds one token, and is read at each try.
  Enroller(JoinTerms terms, std::string tokenFile, IdentityFile file, const Clock& clock, Log& log);

  /// Takes the identity that the disk has. A damaged one is said and moved aside: the proxy then has to join again.
  void load();
  /// Does what is due; false while there is nothing that a controller would take. `connection` is secured by this.
  io::Task<bool> tend(io::EventLoop& loop, http::KeptConnection& connection);
  /// What a snapshot says whom to believe. A step before the known one counts only where the controller was restored.
  void told(const wire::Trust& trust, bool restored);
  /// Whether these are the roots in force, whose certificates were read before.
  bool believes(const wire::Trust& trust) const;
  /// Whether the controller answered the last question. One that does not may have revoked the certificate, which it
  /// need not say: a new token is tried then, too.
  void setHeard(bool heard) { heard_ = heard; }

  /// Any thread.
  const CurrentIdentity& identity() const { return identity_; }
  State state() const { return {expires_, life_, joins_, renewals_, failures_, trustStep_}; }

 private:
  /// Or one that has expired.
  bool hasNone() const;
  /// A token that was not tried yet.
  std::optional<std::string> newToken();
  io::Task<void> join(io::EventLoop& loop, std::string token);
  io::Task<void> renew(io::EventLoop& loop, http::KeptConnection& connection);
  /// Puts the roots that were told on the disk and in force.
  void believe();
  /// Puts what an enrolment gave on the disk and in force. What the disk refuses is kept until it has room: a token is
  /// good for one join.
  Status take();
  bool isDue(const Identity& identity) const { return clock_.wall() >= renewAt_ || !isUpToDate(identity); }
  /// Draws when the leaf is to be renewed.
  void schedule(const Identity& identity);
  void warnOfExpiry();
  /// Says it once, where the controller's last word on `connection` was that this proxy's certificate is revoked.
  void sayIfRevoked(const http::KeptConnection& connection);
  void onFailure(std::string_view doing, const Error& error);
  std::string wanting() const { return "a new join token is needed in " + tokenFile_; }
  void sayOnce(std::string words);

  const JoinTerms terms_;
  const std::string tokenFile_;
  const Clock& clock_;
  Log& log_;
  CurrentIdentity identity_;
  std::minstd_rand random_;
  std::optional<Identity> got_;  // and not yet on the disk
  std::optional<wire::Trust> told_;
  std::string tried_;  // SHA-256 of the last token that was used or refused
  std::string said_;   // why there is no identity
  bool heard_ = true;  // by the controller, under this identity
  bool saidRevoked_ = false;
  Nearness warned_ = Nearness::Far;  // when it was said last
  Wall renewAt_{};
  Monotonic nextTry_{};
  milliseconds backOff_{0};
  std::atomic<std::int64_t> expires_{0};
  std::atomic<std::int64_t> life_{0};
  std::atomic<std::uint64_t> joins_{0};
  std::atomic<std::uint64_t> renewals_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> trustStep_{0};
};

/// For /metrics.
void collectIdentity(const Enroller::State& state, Wall now, MetricFamilies& families);

/// For /readyz.
void describeIdentity(const Enroller& enroller, Json::Value& state);

}  // namespace loam::server
