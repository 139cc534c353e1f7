#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/proxy/server/mesh_host.h"
#include "tests/proxy/tls/raw_peer.h"

namespace loam::server {

/// One connection that the hostile port took. Dropped, it is closed in order.
struct Visit {
  Descriptor fd;
  std::unique_ptr<tls::test::RawPeer> tls{};  ///< once it shakes hands: has `fd` then
  std::string heard{};                        ///< as it came, while there is no TLS
  int turns = 0;
  bool isOver = false;

  int socket() const { return tls ? tls->fd().get() : fd.get(); }
  void end() {
    fd.close();
    if (tls) tls->drop();
    isOver = true;
  }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    end();
  }
  void say(std::string_view bytes) const { ::send(socket(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
};

/// Another host, 10.79.9.2: an application at port 5432 that says "hello", and at 7412 whoever it is that the test
/// brings. Never waits; both move by step().
class FarHost {
 public:
  static constexpr const char* kApplication = "10.79.9.2:5432";
  using Behaviour = std::function<void(Visit&)>;

  explicit FarHost(Behaviour behaviour) : behaviour_(std::move(behaviour)) {
    if (behaviour_) peers_ = std::make_unique<Doorstep>("10.79.9.2:7412");
  }

  int plain = 0;      ///< connections that the application took
  std::string told;   ///< all that it was told
  int visits = 0;     ///< of the port for proxies
  std::string heard;  ///< all that came there: as it came, and what TLS made of it

  void be(Behaviour behaviour) { behaviour_ = std::move(behaviour); }
  void step() {
    while (Descriptor one = application_.accept()) {
      ::send(one.get(), "hello", 5, MSG_NOSIGNAL);
      served_.push_back(std::move(one));
      ++plain;
    }
    for (const Descriptor& one : served_) takeNow(one.get(), told);
    if (!peers_) return;
    while (Descriptor one = peers_->accept()) {
      visits_.push_back({.fd = std::move(one)});
      ++visits;
    }
    for (Visit& visit : visits_) {
      if (visit.isOver) continue;
      if (!visit.tls) listen(visit);
      behaviour_(visit);
      if (visit.tls) heard += std::exchange(visit.tls->received, {});
    }
  }

 private:
  void listen(Visit& visit) {
    char bytes[4096];
    const auto count = ::recv(visit.fd.get(), bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK);
    if (count <= 0) return;
    visit.heard.assign(bytes, static_cast<std::size_t>(count));
    heard += visit.heard;
  }

  Behaviour behaviour_;
  Doorstep application_{kApplication};
  std::unique_ptr<Doorstep> peers_;
  std::vector<Descriptor> served_;
  std::vector<Visit> visits_;
};

}  // namespace loam::server
