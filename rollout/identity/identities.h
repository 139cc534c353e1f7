#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/address.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/wire/enrolment.h"
#include "rollout/identity/authorities.h"
#include "rollout/identity/join_limit.h"
#include "rollout/identity/live_agents.h"
#include "rollout/identity/records.h"
#include "rollout/identity/standing.h"

namespace loam::identity {

enum class RotationStep : std::uint8_t { Begin, Advance, Abort };

/// Who may be part of the mesh, and how that is proven: the authority, its tokens, certificates and denials. Everything
/// is in the ledger before anybody sees it, so that a controller that is killed at any moment goes on from there.
/// standing() and tally() may be asked by any thread; all else is the control thread's, and may block for scrypt where
/// keys change.
class Identities {
 public:
  struct Settings {
    std::string trustDomain = "loam";
    BroughtFiles brought{};
  };
  static constexpr seconds kLongestTokenLife{7 * 86'400};
  static constexpr std::size_t kMostCertificates = 32;  ///< of one name that have not expired
  static constexpr std::int64_t kKeepTokens = 86'400;   ///< seconds that a used or expired token is still shown

  /// Reads the ledger, and makes or adopts the first authority where there is none. `ledger`, `clock` and `log` outlive
  /// it.
  static Result<std::unique_ptr<Identities>> open(audit::Ledger& ledger, KeyVault vault, Settings settings,
                                                  const Clock& clock, Log& log);

  /// A token that lets one host join as the proxy `name`. InvalidArgument for what can be no name, Conflict for one
  /// that is revoked.
  Result<MintedToken> mint(const std::string& name, seconds life, const audit::Act& act);
  /// NotFound when there is none of that id.
  Status dropToken(const std::string& id, const audit::Act& act);

  /// Lets a host in. Denied for every refusal, in one and the same words: why is in log, tally and audit log (D10).
  Result<wire::Enrolment> join(const wire::Join& asked, const IpAddress& from);
  /// The next certificate of who proved to be `spiffe`. InvalidArgument says what is wrong with the request.
  Result<wire::Enrolment> renew(const std::string& spiffe, std::string_view serial, std::string_view csr,
                                const IpAddress& from);

  struct Revoked {
    Denial denial;
    std::size_t certificates = 0;  ///< known ones that it is about
  };
  /// `value`: a serial, a SPIFFE id, or the name of a proxy. `act.reason` goes with the denial.
  Result<Revoked> deny(Denial::Of of, const std::string& value, const audit::Act& act);
  /// Takes a denial back by its key; NotFound when there is none.
  Status allow(const std::string& key, const audit::Act& act);

  /// Conflict says who is waited for, or why there is no such step.
  Status rotate(RotationStep step, const std::vector<Acknowledgement>& live, const audit::Act& act);

  /// What falls due: certificates of the controller's own, and what can be forgotten. Call it every second.
  void keepHouse();

  const Records& records() const { return records_; }
  std::shared_ptr<const Standing> standing() const;
  const Tally& tally() const { return tally_; }
  /// Called on the control thread whenever standing() is another.
  void onChange(std::function<void(std::shared_ptr<const Standing>)> then) { listeners_.push_back(std::move(then)); }

 private:
  Identities(audit::Ledger& ledger, KeyVault vault, Settings settings, const Clock& clock, Log& log);

  // Opening, and what falls due.
  Status begin();
  Status makeFirst();
  Status takeBrought();
  Status renewOwn();
  void renewIntermediates();
  Status forgetRetired();
  void prune();
  Status publish();
  Result<Hierarchy> nextHierarchy() const;
  Status replaceIntermediate(Hierarchy hierarchy, const audit::Act& act);

  // Joining.
  struct Verdict {
    JoinOutcome outcome = JoinOutcome::Good;
    std::string detail{};
  };
  Result<Verdict> tryJoin(const wire::Join& asked, const IpAddress& from, std::string& chain);
  void noteRefusal(const wire::Join& asked, const IpAddress& from, const Verdict& verdict);

  const Authority& issuing() const;
  const Rotation& rotation() const { return records_.rotation()->value; }
  std::int64_t now() const { return unixSeconds(clock_.wall()); }

  const Settings settings_;
  const Clock& clock_;
  Log& log_;
  Records records_;
  Authorities authorities_;
  JoinLimit limit_;
  tls::Credentials own_;
  Tally tally_;
  Monotonic pruned_;
  std::optional<Monotonic> warned_;  // of an intermediate that only its owner can renew
  mutable std::mutex mutex_;
  std::shared_ptr<const Standing> standing_;
  std::vector<std::function<void(std::shared_ptr<const Standing>)>> listeners_;
};

}  // namespace loam::identity
