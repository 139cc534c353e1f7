#include "proxy/base/descriptor.h"

#include <unistd.h>

namespace loam {

void Descriptor::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace loam
