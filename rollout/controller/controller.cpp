#include "rollout/controller/controller.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <random>
#include <utility>

#include "proxy/tls/stream.h"
#include "rollout/api/agent_routes.h"
#include "rollout/api/grounds.h"
#include "rollout/controller/catalogue_claims.h"
#include "rollout/controller/local_roles.h"

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

/// Whether something falls due that may be a rise.
bool hasDue(const flags::Desired& desired, std::int64_t now) {
  return std::any_of(desired.flags.begin(), desired.flags.end(),
                     [now](const auto& flag) { return flag.second.scheduled && flag.second.scheduled->at <= now + 1; });
}

/// What receivers of webhooks know this controller by.
std::string nameOfThisHost() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "controller";
  return name.data();
}

/// Null where none is configured.
Result<std::unique_ptr<notify::Webhooks>> openWebhooks(const Settings& settings, const audit::Ledger& ledger,
                                                       const Clock& clock, Log& log) {
  if (settings.webhooks.empty()) return std::unique_ptr<notify::Webhooks>();
  notify::Dispatch::Settings dispatch{nameOfThisHost(), settings.control + ".webhooks"};
  return notify::Webhooks::make(settings.webhooks, std::move(dispatch), ledger, random64, clock, log);
}

}  // namespace

Controller::Controller(Made made, const Stores& stores, const Clock& clock, Log& log)
    : clock_(clock),
      log_(log),
      loop_(std::move(made.loop)),
      ledger_(std::move(made.ledger)),
      recorder_(stores.graph, clock),
      flags_(*ledger_, stores.journal, clock, log),
      changes_(flags_, clock, random64),
      answers_(flags_, clock),
      access_(*ledger_, clock),
      fleet_(*loop_, made.epoch, clock, log),
      identities_(std::move(made.identities)),
      webhooks_(std::move(made.webhooks)),
      control_(*loop_),
      reading_(*loop_),
      controlOf_{flags_,   changes_, answers_,          *ledger_,        fleet_,    control_,
                 reading_, clock,    identities_.get(), webhooks_.get(), &recorder_},
      api_(*loop_, recorder_, controlOf_, access_, std::move(made.local), clock, log),
      agents_(*loop_, agentRouter_, api_.agentTally(), clock, log) {}

Result<std::unique_ptr<Controller>> Controller::make(const Settings& settings, const Stores& stores, const Clock& clock,
                                                     Log& log) {
  auto loop = io::EventLoop::make(clock);
  if (!loop) return fail(std::move(loop).error());
  auto local = localRoles(settings.socketRoles);
  if (!local) return fail(std::move(local).error());
  auto ledger = std::make_unique<audit::WatchedLedger>(stores.ledger);
  const auto epoch = nextEpoch(*ledger, clock, log);
  if (!epoch) return fail(epoch.error());
  std::unique_ptr<identity::Identities> identities;
  if (settings.agents) {
    auto opened = openIdentities(settings.authority, settings.trustDomain, *ledger, clock, log);
    if (!opened) return fail(std::move(opened).error());
    identities = *std::move(opened);
  }
  auto webhooks = openWebhooks(settings, *ledger, clock, log);
  if (!webhooks) return fail(std::move(webhooks).error());
  std::unique_ptr<Controller> controller(new Controller(
      {*std::move(loop), std::move(ledger), std::move(identities), *std::move(webhooks), *std::move(local), *epoch},
      stores, clock, log));
  LOAM_TRY(controller->loadWanted(stores.ledger));
  if (!settings.catalogue.empty()) LOAM_TRY(controller->loadCatalogue(settings.catalogue));
  LOAM_TRY(makeDirectoryFor(settings.socket));
  auto socket = io::Listener::bindUnix(*controller->loop_, settings.socket);
  if (!socket) return fail(std::move(socket).error());
  controller->socket_ = settings.socket;
  controller->api_.serve(*std::move(socket), {});
  log.info("controller", "serving", {{"socket", settings.socket}, {"db", settings.database}});
  if (settings.listen) LOAM_TRY(controller->openPort(settings));
  if (settings.agents) LOAM_TRY(controller->serveAgents(*settings.agents));
  return controller;
}

Status Controller::openPort(const Settings& settings) {
  LOAM_TRY(checkListen(settings));
  const bool loopback = settings.listen->ip.isLoopback();
  if (!loopback && !access_.roster()->hasAdmin(unixSeconds(clock_.wall()))) {
    return fail(ErrorCode::Denied, "listen: " + settings.listen->text() +
                                       " can be reached from other hosts and there is no admin yet: start without it, "
                                       "run `loam token create NAME --role admin`, and start again");
  }
  api::Api::Door door{.loopback = loopback};
  if (settings.tls) {
    auto certificate = ServerCertificate::load(*settings.tls);
    if (!certificate) return fail(std::move(certificate).error());
    certificate_ = *std::move(certificate);
    door.security.wrap = tls::asServer([this] { return certificate_->context(); });
  }
  door.admitsHost = [this, names = settings.names](std::string_view host) {
    const std::string_view name = nameOfHost(host);
    return api::isLoopbackHost(host) || std::find(names.begin(), names.end(), name) != names.end() ||
           (certificate_ && certificate_->isFor(host));
  };
  auto port = io::Listener::bind(*loop_, *settings.listen);
  if (!port) return fail(std::move(port).error());
  log_.info("controller", "serving", {{"address", (*port)->address().text()}, {"tls", certificate_ ? "yes" : "no"}});
  api_.serve(*std::move(port), std::move(door));
  if (loopback && api_.callers().isLoopbackOpen()) {
    log_.warn("controller", "everybody on this host is an admin over loopback, until there is an admin's token",
              {{"address", settings.listen->text()}, {"fix", "loam token create NAME --role admin"}});
  }
  return {};
}

void Controller::run() {
  if (webhooks_) {
    webhooks_->start();
    lookout_ = std::make_unique<Lookout>(
        *loop_, controlOf_, *ledger_, [this] { return api_.callers().wrongTokens(); }, *webhooks_);
    scope_.spawn(lookout_->watchLoop());
    scope_.spawn(lookout_->watchControl());
  }
  loop_->run();
}

void Controller::reload() {
  if (certificate_) certificate_->ask();
  if (webhooks_) webhooks_->reload();
}

Status Controller::loadWanted(audit::Ledger& ledger) {
  LOAM_TRY(flags_.load());
  const auto documents = ledger.documents();
  if (!documents) return fail(documents.error());
  LOAM_TRY(changes_.load(*documents));
  LOAM_TRY(answers_.load(*documents));
  LOAM_TRY(access_.load(*documents));
  fleet_.setDesired(flags_.desired());
  flags_.onChange([this](std::shared_ptr<const flags::Desired> desired) {
    loop_->post([this, desired = std::move(desired)] { fleet_.setDesired(desired); });
  });
  ledger_->onCommit([this] {
    loop_->post([this] { api_.events().ledgerMoved(); });
    if (webhooks_) webhooks_->ledgerMoved();
  });
  scope_.spawn(tick());
  scope_.spawn(fleet_.keepDescending());
  return {};
}

/// While it fails: whether it can be written again, which nobody may want for hours.
void Controller::tryLedger() {
  constexpr seconds kEvery{5};
  if (!ledger_->failure() || clock_.now() - tried_ < kEvery) return;
  tried_ = clock_.now();
  Json::Value body(Json::objectValue);
  body["epoch"] = Json::UInt64(fleet_.epoch());
  body["tried"] = Json::Int64(unixSeconds(clock_.wall()));
  const audit::Edit edit{"controller", "epoch", std::nullopt, body};
  (void)ledger_->commit({&edit, 1}, std::nullopt);  // the ledger remembers why it could not
}

/// What falls due by the clock, on the control thread.
io::Task<void> Controller::tick() {
  for (;;) {
    co_await loop_->sleepFor(kTick);
    changes::Grounds grounds;
    if (hasDue(*flags_.desired(), unixSeconds(clock_.wall()))) grounds = api::groundsOf(controlOf_, fleet_.sight());
    api::Background::Work work = [this, grounds, used = api_.callers().takeUses(), over = fleet_.descentsOver()] {
      flags_.settleJournal();
      flags_.endDescents(over);
      tryLedger();
      changes_.keepAppointments(grounds);
      if (identities_) identities_->keepHouse();
      answers_.forget();
      access_.noteUses(used);
      if (certificate_) certificate_->refresh(log_);
      return http::Response{};
    };
    const http::Response done = co_await control_.run(std::move(work));
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
