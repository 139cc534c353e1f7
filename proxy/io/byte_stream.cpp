#include "proxy/io/byte_stream.h"

#include <sys/socket.h>

#include <utility>

#include "proxy/io/stream.h"

namespace loam::io {

namespace {

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}

  EventLoop& loop() const override { return socket_->loop(); }
  Task<Result<std::size_t>> read(std::span<std::uint8_t> into, Monotonic deadline) override {
    return readSome(*socket_, into, deadline);
  }
  Task<Status> write(std::span<const std::uint8_t> from, Monotonic deadline) override {
    return writeAll(*socket_, from, deadline);
  }
  void endWriting() override { ::shutdown(socket_->fd(), SHUT_WR); }
  void cut() override { ::shutdown(socket_->fd(), SHUT_RDWR); }

 private:
  std::unique_ptr<Socket> socket_;
};

}  // namespace

Task<Status> ByteStream::open(Monotonic) { co_return Status(); }

std::unique_ptr<ByteStream> plainStream(std::unique_ptr<Socket> socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace loam::io
