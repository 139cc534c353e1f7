#include "rollout/notify/host_lookup.h"

#include <netdb.h>
#include <system_error>

#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "proxy/io/signal.h"

namespace loam::notify {

/// What the thread of a question and the loop share; it may outlive both.
struct HostLookup::Desk {
  std::mutex mutex;
  bool closed = false;  ///< nobody is there to be told any more
  bool busy = false;
  std::optional<Result<Addresses>> answer;
  std::vector<std::function<void()>> waiting;
};

HostLookup::HostLookup(io::EventLoop& loop, std::string host, std::uint16_t port, Resolve resolve)
    : loop_(loop), host_(std::move(host)), port_(port), resolve_(std::move(resolve)), desk_(std::make_shared<Desk>()) {}

HostLookup::~HostLookup() {
  const std::lock_guard lock(desk_->mutex);
  desk_->closed = true;
  desk_->waiting.clear();
}

Status HostLookup::begin(const std::shared_ptr<Desk>& desk) {
  desk->answer.reset();
  try {
    std::thread([desk, resolve = resolve_, host = host_, port = port_] {
      auto answer = resolve(host, port);
      const std::lock_guard lock(desk->mutex);
      desk->busy = false;
      desk->answer = std::move(answer);
      if (desk->closed) return;
      for (const auto& wake : std::exchange(desk->waiting, {})) wake();
    }).detach();
  } catch (const std::system_error& thrown) {
    return fail(ErrorCode::Exhausted, "asking the resolver: " + std::string(thrown.what()));
  }
  desk->busy = true;
  return {};
}

io::Task<Result<HostLookup::Addresses>> HostLookup::ask(Monotonic deadline) {
  io::Signal answered(loop_);
  {
    const std::lock_guard lock(desk_->mutex);
    if (!desk_->busy) LOAM_CO_TRY(begin(desk_));
    desk_->waiting.push_back(answered.raiser());
  }
  const bool came = co_await answered.until(deadline);
  if (!came) co_return fail(ErrorCode::Timeout, host_ + ": the resolver does not answer");
  const std::lock_guard lock(desk_->mutex);
  if (!desk_->answer) co_return fail(ErrorCode::Timeout, host_ + ": the resolver was asked again");
  Result<Addresses> answer = *desk_->answer;
  co_return answer;
}

Result<HostLookup::Addresses> HostLookup::resolveWithSystem(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0) {
    const bool unknown = error == EAI_NONAME || error == EAI_NODATA;
    return fail(unknown ? ErrorCode::NotFound : ErrorCode::Unreachable, host + ": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype([](addrinfo* list) { ::freeaddrinfo(list); })> list(found);
  Addresses addresses;
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, one->ai_addr, one->ai_addrlen);
    addresses.push_back(SocketAddress::from(storage));
  }
  return addresses;
}

}  // namespace loam::notify
