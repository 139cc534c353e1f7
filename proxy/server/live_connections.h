#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/filter/connection_filter.h"
#include "proxy/relay/relay.h"
#include "proxy/relay/tap.h"

namespace loam::server {

/// One connection that a worker carries now: what `/connections` lists and a drain waits for. In its coroutine's frame.
class LiveConnection;
class Simulation;

struct ConnectionSummary {
  relay::ConnectionFacts facts;
  Monotonic since;
  std::uint64_t upstreamBytes = 0;
  std::uint64_t downstreamBytes = 0;
  std::string peer{};    ///< SPIFFE id of the proxy at the other end; empty without mutual TLS
  std::string serial{};  ///< of the certificate that it showed; a connection keeps what it began with
};

/// The live connections of one worker, as an intrusive list. One thread.
class LiveConnections {
 public:
  std::size_t size() const { return size_; }
  /// At most `most` of them, oldest first.
  std::vector<ConnectionSummary> list(std::size_t most) const;
  /// Shows those that run over TLS, as a stream each.
  void visitSecured(const std::function<void(tls::Stream&)>& look) const;
  /// Shows those that the callee's side decided on and admitted.
  void visitAdmitted(const std::function<void(LiveConnection&)>& look) const;
  /// Shows those that are carried, as who asks about their exchanges.
  void visitSimulations(const std::function<void(Simulation&)>& look) const;
  /// Those that are to be closed.
  std::size_t leaving() const { return leaving_; }
  /// Those that began under another generation than this.
  std::size_t countOther(std::uint64_t generation) const;

 private:
  friend class LiveConnection;
  LiveConnection* first_ = nullptr;
  LiveConnection* last_ = nullptr;
  std::size_t size_ = 0;
  std::size_t leaving_ = 0;
};

class LiveConnection {
 public:
  LiveConnection(LiveConnections& all, const relay::ConnectionFacts& facts, Monotonic since);
  LiveConnection(const LiveConnection&) = delete;
  LiveConnection& operator=(const LiveConnection&) = delete;
  ~LiveConnection();

  relay::Relayed& progress() { return progress_; }
  /// The stream to or from another proxy, which outlives this; null: none.
  void securedBy(tls::Stream* stream) { secured_ = stream; }
  tls::Stream* secured() const { return secured_; }

  /// Who asks about its exchanges from now on; null: nobody any more.
  void simulatedBy(Simulation* simulation) { simulation_ = simulation; }

  /// The callee's side admitted it: what it holds for that, and what to cut when it is to be closed. `downstream`
  /// outlives this.
  void admitted(io::Socket& downstream, filter::Holds holds);
  const relay::ConnectionFacts& facts() const { return facts_; }
  /// SPIFFE id of the proxy at the other end; empty without one.
  std::string peer() const { return secured_ == nullptr ? std::string() : secured_->peerIdentity().id; }
  filter::Holds& holds() { return standing().holds; }

  /// It is to be closed, so long after it was first told so.
  void leave(filter::Notice notice, Monotonic now);
  /// It may stay.
  void stay();
  bool isLeaving() const { return standing_ && standing_->notice; }
  bool isDue(Monotonic now) const {
    return isLeaving() && !standing_->isClosed && now >= standing_->since + standing_->notice->within;
  }
  /// Of one that is leaving.
  const filter::Denial& reason() const { return standing_->notice->denial; }
  /// Resets it at once.
  void close();
  bool isClosed() const { return standing_ && standing_->isClosed; }

 private:
  /// What few have, so that the many stay small.
  struct Standing {
    filter::Holds holds;
    std::optional<filter::Notice> notice;
    Monotonic since{};  // when it was first to leave
    bool isClosed = false;
  };
  Standing& standing();

  friend class LiveConnections;
  LiveConnections& all_;
  const relay::ConnectionFacts& facts_;
  const Monotonic since_;
  relay::Relayed progress_;
  tls::Stream* secured_ = nullptr;
  Simulation* simulation_ = nullptr;
  io::Socket* downstream_ = nullptr;  // where the callee's side admitted it
  std::unique_ptr<Standing> standing_;
  LiveConnection* before_ = nullptr;
  LiveConnection* after_ = nullptr;
};

}  // namespace loam::server
