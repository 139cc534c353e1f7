#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/log.h"
#include "proxy/guard/capture_control.h"
#include "proxy/guard/dns_log.h"
#include "proxy/guard/facts_reader.h"
#include "proxy/guard/protocol.h"

namespace loam::guard {

/// loam-guard's loop: serves its Unix socket, watches the proxy, keeps time. One thread, which never waits for anything
/// but poll.
class Guard {
 public:
  /// Conflict when another guard owns this network namespace, listens on the path, or something is in the way of
  /// capture. `group` may connect beside root; `clock` and `log` outlive the guard.
  static Result<std::unique_ptr<Guard>> open(const std::string& socketPath, std::uint32_t group,
                                             const Footprint& footprint, ClosedFile closed, const Clock& clock,
                                             Log& log);
  ~Guard();

  /// What was closed to plaintext before, by the file: to be called first.
  Status restoreClosed() { return control_.restoreClosed(); }
  Status apply(const CaptureSettings& settings) { return control_.apply(settings); }
  /// Runs until `stop` (a signalfd) has spoken and capture is removed: revoked at the first signal, gone once relayed
  /// connections have ended; a second signal cuts them.
  Status run(int stop);

 private:
  struct Packet {
    std::string bytes;
    bool listeners = false;  ///< send the listening sockets along
  };
  struct Session {
    Descriptor socket;
    std::uint32_t pid = 0;
    std::uint32_t uid = 0;
    std::deque<Packet> out;
    std::vector<ClosedWay> toClose;  ///< said so far
    bool closing = false;
  };

  Guard(Capture capture, ClosedFile closed, const Clock& clock, Log& log);

  void accept();
  static void turnAway(int socket, std::uint32_t uid);
  void serve(int id, short events);
  void flush(Session& session);
  void end(int id);
  void reply(Session& session, const std::vector<std::string>& packets, bool listeners = false);
  void handle(int id, Session& session, const std::string& packet, std::vector<Descriptor> descriptors);
  Result<std::string> carryOut(int id, Session& session, const protocol::Request& request,
                               std::vector<Descriptor>& descriptors);
  Result<std::string> attach(int id, const Session& session, const protocol::Attach& request,
                             std::vector<Descriptor>& descriptors);
  Result<std::string> keepClosed(int id, Session& session, const protocol::KeepClosed& request);
  Result<std::string> apply(const Session& session, const protocol::Apply& request);
  void answerFacts();
  void answerDeparted();
  void signalled(int stop);

  Log& log_;
  CaptureControl control_;
  Footprint footprint_;
  std::string socketPath_;
  Descriptor claim_;
  Descriptor listener_;
  Descriptor timer_;
  std::unique_ptr<DnsLog> dns_;
  FactsReader facts_;
  std::map<int, Session> sessions_;
  int nextSession_ = 1;
  unsigned signals_ = 0;
};

}  // namespace loam::guard
