#include "proxy/upstream/dialer.h"

#include <utility>

#include "proxy/io/dial.h"

namespace loam::upstream {

io::Task<Result<std::unique_ptr<io::ByteStream>>> PlainDialer::dial(SocketAddress endpoint, Monotonic deadline) {
  io::DialOptions options;
  options.destination = endpoint;
  options.mark = mark_;
  options.local = endpoint.ip.isLoopback();
  auto socket = co_await io::dial(loop_, options, deadline);
  if (!socket) co_return fail(std::move(socket).error());
  co_return io::plainStream(*std::move(socket));
}

}  // namespace loam::upstream
