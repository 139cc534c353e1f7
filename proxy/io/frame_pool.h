#pragma once

#include <cstddef>

namespace loam::io {

/// Memory of coroutine frames, recycled per thread: a worker's connections reuse each other's frames without touching
/// the allocator. Classes of 64 bytes up to 2 KiB, larger ones go to the heap. Under AddressSanitizer every frame is a
/// heap block of its own, so that its use after free is seen.
void* allocateFrame(std::size_t bytes);
void freeFrame(void* frame, std::size_t bytes) noexcept;

}  // namespace loam::io
