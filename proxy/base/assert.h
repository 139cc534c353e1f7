#pragma once

#include <cstdio>
#include <cstdlib>

/// Stops the process on a broken invariant: only a bug can get here, and going on would serve wrong bytes.
#define LOAM_ASSERT(condition)                                                          \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      std::fprintf(stderr, "loam: bug: %s at %s:%d\n", #condition, __FILE__, __LINE__); \
      std::abort();                                                                     \
    }                                                                                   \
  } while (false)
