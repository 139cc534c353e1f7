#pragma once

#include <sys/stat.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>

#include "proxy/base/log.h"
#include "proxy/tls/context.h"
#include "rollout/controller/settings.h"

namespace loam::controller {

/// The certificate that the people's port shows, read anew when its files change; connections keep the one that they
/// began with. refresh() is one thread's, all else any thread's.
class ServerCertificate {
 public:
  /// InvalidArgument and Denied name the file, and what is wrong with it.
  static Result<std::unique_ptr<ServerCertificate>> load(const TlsFiles& files);

  std::shared_ptr<const tls::Context> context() const;
  /// Whether it is good for that Host (port included).
  bool isFor(std::string_view host) const;

  /// Reads the files again when they changed since, or somebody asked. What cannot be used is said once, and the old
  /// one stays.
  void refresh(Log& log);
  /// Has the next refresh() read them whatever their times are.
  void ask() { asked_ = true; }

 private:
  struct Read {
    std::shared_ptr<const tls::Context> context;
    tls::Certificate leaf;
  };
  /// When and what the two files were: a new one has another inode, time or size.
  using Stamps = std::array<std::array<std::int64_t, 4>, 2>;

  ServerCertificate(TlsFiles files, Stamps stamps, Read read)
      : files_(std::move(files)), stamps_(stamps), read_(std::move(read)) {}
  static Stamps stampsOf(const TlsFiles& files);
  static Result<Read> read(const TlsFiles& files);

  const TlsFiles files_;
  Stamps stamps_;  // of what was tried last
  std::atomic<bool> asked_ = false;
  mutable std::mutex mutex_;
  Read read_;
};

/// "loam.example" of "loam.example:7400", "::1" of "[::1]:7400".
std::string_view nameOfHost(std::string_view host);

}  // namespace loam::controller
