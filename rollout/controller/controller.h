#pragma once

#include <memory>
#include <string>

#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/io/event_loop.h"
#include "rollout/api/api.h"
#include "rollout/controller/settings.h"
#include "shadow/record/recorder.h"

namespace loam::controller {

/// loam-controller without its command line: the record behind its REST interface.
class Controller {
 public:
  /// Binds the listeners; `store`, `clock` and `log` outlive it. Conflict when another program serves the socket or
  /// the port.
  static Result<std::unique_ptr<Controller>> make(const Settings& settings, record::GraphStore& store,
                                                  const Clock& clock, Log& log);

  /// Serves until stop().
  void run() { loop_->run(); }
  /// Any thread: answers what is under way (at most 5 s), then run() returns.
  void stop();

  io::EventLoop& loop() { return *loop_; }
  const api::Router& router() const { return api_.router(); }

 private:
  Controller(std::unique_ptr<io::EventLoop> loop, record::GraphStore& store, const Clock& clock, Log& log);
  Status loadCatalogue(const std::string& path);
  io::Task<void> drain();

  std::unique_ptr<io::EventLoop> loop_;
  std::string socket_;  // removed at the end
  record::Recorder recorder_;
  api::Api api_;
  io::TaskScope scope_;
};

}  // namespace loam::controller
