#include <unistd.h>

#include <cerrno>

/// Preloaded into the proxy under test: a process that gets no pipe copies in user space what it would splice. The same
/// binary then shows what splicing saves.
extern "C" int pipe2(int*, int) noexcept {
  errno = EMFILE;
  return -1;
}
