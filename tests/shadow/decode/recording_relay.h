#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "proxy/base/descriptor.h"
#include "tests/shadow/decode/transcript.h"

namespace loam::decode::testing {

/// A TCP relay on loopback that shows a detector what passes, each connection its own; for tests with real programs.
class RecordingRelay {
 public:
  /// Relays 127.0.0.1:port() to 127.0.0.1:`upstream`.
  explicit RecordingRelay(std::uint16_t upstream);
  ~RecordingRelay();

  std::uint16_t port() const { return port_; }
  /// Ends every connection and gives what was seen on all of them; the log is in the order of events.
  Seen finish();
  /// What passed on the first connection, as far as it is kept (64 KiB).
  const Transcript& transcript() const { return transcript_; }

 private:
  struct Flow {
    Descriptor ends[2];  ///< client, server
    std::unique_ptr<Decoder> decoder;
    bool recorded = false;
    bool ended[2] = {false, false};
  };

  void run();
  void accept();
  bool move(Flow& flow, int from);

  std::uint16_t upstream_;
  std::uint16_t port_ = 0;
  Descriptor listener_;
  Seen seen_;
  Transcript transcript_;
  std::size_t recordedBytes_ = 0;
  bool recordedAny_ = false;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace loam::decode::testing
