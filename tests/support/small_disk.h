#pragma once

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "tests/support/temporary_directory.h"

namespace loam::test {

/// A tmpfs of a given size, gone with the test. Only root can mount one: ask mounted() first.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& size)
      : mounted_(::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0) {}
  ~SmallDisk() {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  std::filesystem::path operator/(const std::string& name) const { return directory_ / name; }

  /// Writes a file until there is no room for one more byte.
  void fill() {
    const int file = ::open((*this / "ballast").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string piece(4096, 'x');
    while (::write(file, piece.data(), piece.size()) > 0) {
    }
    ::close(file);
  }
  /// Takes that file away.
  void relieve() { ::unlink((*this / "ballast").c_str()); }

 private:
  TemporaryDirectory directory_;
  const bool mounted_;
};

}  // namespace loam::test
