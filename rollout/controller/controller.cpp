#include "rollout/controller/controller.h"

#include <filesystem>

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

}  // namespace

Controller::Controller(std::unique_ptr<io::EventLoop> loop, record::GraphStore& store, const Clock& clock, Log& log)
    : loop_(std::move(loop)), recorder_(store, clock), api_(*loop_, recorder_, clock, log) {}

Result<std::unique_ptr<Controller>> Controller::make(const Settings& settings, record::GraphStore& store,
                                                     const Clock& clock, Log& log) {
  auto loop = io::EventLoop::make(clock);
  if (!loop) return fail(std::move(loop).error());
  std::unique_ptr<Controller> controller(new Controller(*std::move(loop), store, clock, log));
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
  return controller;
}

Status Controller::loadCatalogue(const std::string& path) {
  auto claims = catalogueClaims(path);
  if (!claims) return fail(std::move(claims).error());
  recorder_.setCatalogue(*std::move(claims));
  return {};
}

void Controller::stop() {
  loop_->post([this] {
    if (scope_.size() == 0) scope_.spawn(drain());
  });
}

io::Task<void> Controller::drain() {
  constexpr seconds kPatience{5};
  std::error_code ignored;  // the next controller replaces what is left
  std::filesystem::remove(socket_, ignored);
  co_await api_.drain(loop_->now() + kPatience);
  loop_->stop();
}

}  // namespace loam::controller
