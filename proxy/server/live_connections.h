#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "proxy/relay/relay.h"
#include "proxy/relay/tap.h"

namespace loam::server {

/// One connection that a worker carries now: what `/connections` lists and a drain waits for. In its coroutine's frame.
class LiveConnection;

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
  /// Those that began under another generation than this.
  std::size_t countOther(std::uint64_t generation) const;

 private:
  friend class LiveConnection;
  LiveConnection* first_ = nullptr;
  LiveConnection* last_ = nullptr;
  std::size_t size_ = 0;
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

 private:
  friend class LiveConnections;
  LiveConnections& all_;
  const relay::ConnectionFacts& facts_;
  const Monotonic since_;
  relay::Relayed progress_;
  tls::Stream* secured_ = nullptr;
  LiveConnection* before_ = nullptr;
  LiveConnection* after_ = nullptr;
};

}  // namespace loam::server
