#pragma once

#include "proxy/serve/way.h"
#include "proxy/server/upstream.h"
#include "proxy/upstream/idle_pool.h"

namespace loam::server {

/// A server that was dialled for exchanges: of one client's connection, or kept for whoever comes next. One thread.
class DialledServer final : public serve::Connection {
 public:
  DialledServer(Upstream upstream, upstream::PoolKey key, Monotonic since)
      : upstream_(std::move(upstream)), key_(std::move(key)), since_(since) {}
  DialledServer(const DialledServer&) = delete;
  DialledServer& operator=(const DialledServer&) = delete;
  ~DialledServer() override { leave(); }

  relay::Leg leg() const override { return upstream_.leg(); }
  bool isUsed() const override { return used_; }
  const upstream::PoolKey& key() const { return key_; }
  const Upstream& way() const { return upstream_; }

  /// It carries exchanges of that connection, which knows of its stream instead of the one before for so long.
  void join(LiveConnection& live);
  void leave();
  /// It waits for the next exchange.
  void markUsed() { used_ = true; }
  bool isQuiet() const;
  Monotonic since() const { return since_; }

 private:
  const Upstream upstream_;
  const upstream::PoolKey key_;
  const Monotonic since_;
  LiveConnection* live_ = nullptr;
  tls::Stream* before_ = nullptr;  // that of the client's own server, which outlives this
  bool used_ = false;
};

/// Those of one worker that wait.
class ServerPool final : public upstream::IdlePool<DialledServer> {};

}  // namespace loam::server
