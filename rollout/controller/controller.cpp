#include "rollout/controller/controller.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <utility>

#include "rollout/api/agent_routes.h"
#include "rollout/controller/catalogue_claims.h"

namespace loam::controller {

namespace {

Status makeDirectoryFor(const std::string& file) {
  const auto directory = std::filesystem::path(file).parent_path();
  std::error_code error;
  if (!directory.empty()) std::filesystem::create_directories(directory, error);
  if (error) return fail(systemError(error.value(), "making the directory " + directory.string()));
  return {};
}

std::uint64_t random64() {
  static thread_local std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

/// Greater than that of every controller before, so that its generations fence theirs: the time, unless clocks went
/// back. Where the ledger cannot be written the time alone has to do.
Result<std::uint64_t> nextEpoch(audit::Ledger& ledger, const Clock& clock, Log& log) {
  const auto documents = ledger.documents();
  if (!documents) return fail(documents.error());
  std::uint64_t last = 0;
  for (const audit::Document& document : *documents) {
    if (document.kind == "controller") last = document.body["epoch"].asUInt64();
  }
  const auto wall = std::chrono::duration_cast<milliseconds>(clock.wall().time_since_epoch()).count();
  const std::uint64_t epoch = std::max(static_cast<std::uint64_t>(std::max<std::int64_t>(wall, 1)), last + 1);
  Json::Value body(Json::objectValue);
  body["epoch"] = Json::UInt64(epoch);
  const audit::Edit edit{"controller", "epoch", std::nullopt, body};
  if (const auto done = ledger.commit({&edit, 1}, std::nullopt); !done) {
    log.warn("controller", "the ledger cannot be written; kill still works", {{"error", done.error().describe()}});
  }
  return epoch;
}

}  // namespace

Controller::Controller(std::unique_ptr<io::EventLoop> loop, const Stores& stores,
                       std::unique_ptr<identity::Identities> identities, std::uint64_t epoch, const Clock& clock,
                       Log& log)
    : log_(log),
      loop_(std::move(loop)),
      recorder_(stores.graph, clock),
      flags_(stores.ledger, stores.journal, clock, log),
      changes_(flags_, clock, random64),
      answers_(flags_, clock),
      fleet_(*loop_, epoch, clock, log),
      identities_(std::move(identities)),
      control_(*loop_),
      reading_(*loop_),
      controlOf_{flags_,   changes_, answers_, stores.ledger,     fleet_,
                 control_, reading_, clock,    identities_.get()},
      api_(*loop_, recorder_, controlOf_, clock, log),
      agents_(*loop_, agentRouter_, api_.agentTally(), clock, log) {}

Result<std::unique_ptr<Controller>> Controller::make(const Settings& settings, const Stores& stores, const Clock& clock,
                                                     Log& log) {
  auto loop = io::EventLoop::make(clock);
  if (!loop) return fail(std::move(loop).error());
  const auto epoch = nextEpoch(stores.ledger, clock, log);
  if (!epoch) return fail(epoch.error());
  std::unique_ptr<identity::Identities> identities;
  if (settings.agents) {
    auto opened = openIdentities(settings.authority, settings.trustDomain, stores.ledger, clock, log);
    if (!opened) return fail(std::move(opened).error());
    identities = *std::move(opened);
  }
  std::unique_ptr<Controller> controller(
      new Controller(*std::move(loop), stores, std::move(identities), *epoch, clock, log));
  LOAM_TRY(controller->loadWanted(stores.ledger));
  if (!settings.catalogue.empty()) LOAM_TRY(controller->loadCatalogue(settings.catalogue));
  LOAM_TRY(makeDirectoryFor(settings.socket));
  auto socket = io::Listener::bindUnix(*controller->loop_, settings.socket);
  if (!socket) return fail(std::move(socket).error());
  controller->socket_ = settings.socket;
  controller->api_.serve(*std::move(socket), false);
  log.info("controller", "serving", {{"socket", settings.socket}, {"db", settings.database}});
  if (settings.listen) {
    LOAM_TRY(checkListen(*settings.listen));
    auto port = io::Listener::bind(*controller->loop_, *settings.listen);
    if (!port) return fail(std::move(port).error());
    log.info("controller", "serving", {{"address", (*port)->address().text()}});
    controller->api_.serve(*std::move(port), true);
  }
  if (settings.agents) LOAM_TRY(controller->serveAgents(*settings.agents));
  return controller;
}

Status Controller::loadWanted(audit::Ledger& ledger) {
  LOAM_TRY(flags_.load());
  const auto documents = ledger.documents();
  if (!documents) return fail(documents.error());
  LOAM_TRY(changes_.load(*documents));
  LOAM_TRY(answers_.load(*documents));
  fleet_.setDesired(flags_.desired());
  flags_.onChange([this](std::shared_ptr<const flags::Desired> desired) {
    loop_->post([this, desired = std::move(desired)] { fleet_.setDesired(desired); });
  });
  scope_.spawn(tick());
  return {};
}

/// What falls due by the clock, on the control thread.
io::Task<void> Controller::tick() {
  for (;;) {
    co_await loop_->sleepFor(kTick);
    const http::Response done = co_await control_.run([this] {
      flags_.settleJournal();
      changes_.keepAppointments();
      if (identities_) identities_->keepHouse();
      answers_.forget();
      return http::Response{};
    });
    agents_.keepHouse();
    (void)done;  // what went wrong is said where it did
  }
}

Status Controller::serveAgents(const SocketAddress& address) {
  api::addAgentRoutes(agentRouter_, controlOf_, recorder_, api_.recordWriter(), api_.agentTally());
  const auto standing = identities_->standing();
  LOAM_TRY(agents_.take(standing));
  fleet_.setTrust(std::make_shared<const std::string>(wire::encode(standing->trust)));
  identities_->onChange([this](std::shared_ptr<const identity::Standing> next) {
    loop_->post([this, next = std::move(next)] { takeStanding(next); });
  });
  auto port = io::Listener::bind(*loop_, address);
  if (!port) return fail(std::move(port).error());
  log_.info("controller", "serving agents",
            {{"address", (*port)->address().text()}, {"root", standing->rotation.issuing}});
  agents_.serve(*std::move(port));
  return {};
}

/// Who is denied is cut off first; then all others hear of it.
void Controller::takeStanding(std::shared_ptr<const identity::Standing> standing) {
  if (const Status taken = agents_.take(standing); !taken) {
    log_.error("controller", "the agents' port stays as it was", {{"error", taken.error().describe()}});
  }
  fleet_.setTrust(std::make_shared<const std::string>(wire::encode(standing->trust)));
}

Status Controller::loadCatalogue(const std::string& path) {
  auto claims = catalogueClaims(path);
  if (!claims) return fail(std::move(claims).error());
  recorder_.setCatalogue(*std::move(claims));
  return {};
}

void Controller::stop() {
  loop_->post([this] {
    if (!std::exchange(draining_, true)) scope_.spawn(drain());
  });
}

io::Task<void> Controller::drain() {
  constexpr seconds kPatience{5};
  std::error_code ignored;  // the next controller replaces what is left
  std::filesystem::remove(socket_, ignored);
  const Monotonic deadline = loop_->now() + kPatience;
  fleet_.letGo();
  co_await agents_.drain(deadline);
  co_await api_.drain(deadline);
  loop_->stop();
}

}  // namespace loam::controller
