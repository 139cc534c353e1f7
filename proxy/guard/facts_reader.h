#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/base/descriptor.h"
#include "proxy/guard/facts.h"

namespace loam::guard {

/// Reads the sockets and their owners on a thread of its own: on a host with many processes that takes longer than the
/// guard's loop may stand still.
class FactsReader {
 public:
  using Answer = std::pair<int, Result<std::vector<SocketFact>>>;

  FactsReader();
  ~FactsReader();  ///< waits for a reading that is under way
  FactsReader(const FactsReader&) = delete;
  FactsReader& operator=(const FactsReader&) = delete;

  /// Asks for a reading on behalf of `session`. Those that wait together share one.
  void request(int session);
  /// Readable when there are answers.
  int descriptor() const { return ready_.get(); }
  std::vector<Answer> take();

 private:
  void run();

  Descriptor ready_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<int> requests_;
  std::vector<Answer> answers_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace loam::guard
