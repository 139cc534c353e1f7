#pragma once

#include <memory>
#include <string>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/io/event_loop.h"
#include "rollout/access/access_store.h"
#include "rollout/api/api.h"
#include "rollout/audit/journal.h"
#include "rollout/audit/watched_ledger.h"
#include "rollout/changes/changes.h"
#include "rollout/controller/agents_port.h"
#include "rollout/controller/lookout.h"
#include "rollout/controller/server_certificate.h"
#include "rollout/controller/settings.h"
#include "rollout/flags/flag_store.h"
#include "rollout/fleet/fleet.h"
#include "shadow/record/recorder.h"

namespace loam::controller {

/// What the controller keeps for good; all of it outlives it.
struct Stores {
  record::GraphStore& graph;
  audit::Ledger& ledger;
  audit::Journal& journal;
};

/// loam-controller without its command line: the record and what is wanted of the mesh, behind one REST interface.
class Controller {
 public:
  /// Reads what is wanted and binds the listeners; `clock` and `log` outlive it. Conflict when another program serves
  /// the socket or the port.
  static Result<std::unique_ptr<Controller>> make(const Settings& settings, const Stores& stores, const Clock& clock,
                                                  Log& log);

  /// Serves until stop(). Once.
  void run();
  /// Any thread: reads the certificate anew, and what webhooks have from files.
  void reload();
  /// Any thread: answers what is under way (at most 5 s), then run() returns.
  void stop();

  io::EventLoop& loop() { return *loop_; }
  api::Api& api() { return api_; }
  const api::Router& router() const { return api_.router(); }
  /// What agents may ask; no routes without an authority.
  const api::Router& agentRouter() const { return agentRouter_; }
  SocketAddress agentsAddress() const { return agents_.address(); }

 private:
  static constexpr seconds kTick{1};

  struct Made {
    std::unique_ptr<io::EventLoop> loop;
    std::unique_ptr<audit::WatchedLedger> ledger;
    std::unique_ptr<identity::Identities> identities;
    std::unique_ptr<notify::Webhooks> webhooks;
    api::LocalRoles local;
    std::uint64_t epoch;
  };

  Controller(Made made, const Stores& stores, const Clock& clock, Log& log);
  Status loadCatalogue(const std::string& path);
  Status loadWanted(audit::Ledger& ledger);
  /// Denied for a port that other hosts reach while there is no admin.
  Status openPort(const Settings& settings);
  Status serveAgents(const SocketAddress& address);
  void takeStanding(std::shared_ptr<const identity::Standing> standing);
  void tryLedger();
  io::Task<void> tick();
  io::Task<void> drain();

  const Clock& clock_;
  Log& log_;
  std::unique_ptr<io::EventLoop> loop_;
  std::string socket_;  // removed at the end
  std::unique_ptr<audit::WatchedLedger> ledger_;
  record::Recorder recorder_;
  flags::FlagStore flags_;
  changes::Changes changes_;
  api::Answers answers_;
  access::AccessStore access_;
  std::unique_ptr<ServerCertificate> certificate_;  // none: no TLS
  fleet::Fleet fleet_;
  const std::unique_ptr<identity::Identities> identities_;  // null: none is held
  const std::unique_ptr<notify::Webhooks> webhooks_;        // null: there are none
  std::unique_ptr<Lookout> lookout_;                        // null: nobody is to be told
  Monotonic tried_{};                                       // when the ledger was, on the control thread
  api::Background control_;
  api::Background reading_;
  const api::Control controlOf_;
  api::Api api_;
  api::Router agentRouter_;
  AgentsPort agents_;
  bool draining_ = false;
  io::TaskScope scope_;
};

}  // namespace loam::controller
