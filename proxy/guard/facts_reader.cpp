#include "proxy/guard/facts_reader.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "proxy/base/assert.h"
#include "proxy/guard/owners.h"

namespace loam::guard {

FactsReader::FactsReader() : ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  LOAM_ASSERT(ready_);
  thread_ = std::thread([this] { run(); });
}

FactsReader::~FactsReader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void FactsReader::request(int session) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(session);
  }
  wake_.notify_one();
}

std::vector<FactsReader::Answer> FactsReader::take() {
  std::uint64_t count = 0;
  (void)!::read(ready_.get(), &count, sizeof count);
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

void FactsReader::run() {
  Owners owners;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !requests_.empty(); });
    if (stopping_) return;
    const std::vector<int> sessions = std::exchange(requests_, {});
    lock.unlock();
    const auto facts = readSockets(owners);
    lock.lock();
    for (const int session : sessions) answers_.emplace_back(session, facts);
    const std::uint64_t one = 1;
    (void)!::write(ready_.get(), &one, sizeof one);
  }
}

}  // namespace loam::guard
