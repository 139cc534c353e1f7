#include "proxy/io/stream.h"

namespace loam::io {

Task<Result<std::size_t>> readSome(Socket& socket, std::span<std::uint8_t> into, Monotonic deadline) {
  for (;;) {
    if (!socket.mayRead()) {
      const bool ready = co_await socket.until(Ready::Read, deadline);
      if (!ready) co_return fail(ErrorCode::Timeout, "reading");
    }
    const auto count = socket.read(into);
    if (!count) co_return fail(count.error());
    if (*count != Socket::kWouldBlock) co_return *count;
  }
}

Task<Status> writeAll(Socket& socket, std::span<const std::uint8_t> from, Monotonic deadline) {
  while (!from.empty()) {
    const auto count = socket.write(from);
    if (!count) co_return fail(count.error());
    if (*count != Socket::kWouldBlock) from = from.subspan(*count);
    if (from.empty() || socket.mayWrite()) continue;
    const bool ready = co_await socket.until(Ready::Write, deadline);
    if (!ready) co_return fail(ErrorCode::Timeout, "writing");
  }
  co_return Status();
}

}  // namespace loam::io
