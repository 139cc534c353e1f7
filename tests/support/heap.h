#pragma once

#include <malloc.h>

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Of the sanitizers' own header allocator_interface.h, which g++ 12 does not install for every one of them.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace loam::test {

/// Bytes that the program holds on the heap now; under a sanitizer by its own allocator, which mallinfo knows nothing
/// of.
inline std::size_t heapInUse() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return __sanitizer_get_current_allocated_bytes();
#else
  return ::mallinfo2().uordblks;
#endif
}

}  // namespace loam::test
