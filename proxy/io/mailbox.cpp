#include "proxy/io/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "proxy/base/assert.h"

namespace loam::io {

Mailbox::Mailbox() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void Mailbox::post(Message message) {
  {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    if (messages_.size() > 1) return;  // the first one woke the loop
  }
  const std::uint64_t one = 1;
  // A full counter means that the loop was told already.
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void Mailbox::deliver() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
  std::vector<Message> messages;
  {
    const std::lock_guard lock(mutex_);
    messages.swap(messages_);
  }
  for (Message& message : messages) message();
}

}  // namespace loam::io
