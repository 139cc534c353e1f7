#include "proxy/tls/record_buffers.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <array>
#include <cstddef>
#include <cstdlib>

namespace loam::tls {

namespace {

constexpr std::size_t kLeast = 16 * 1024;  // what is as big, and no bigger than kSize, gets kSize
constexpr std::size_t kSize = 17 * 1024;   // a record with all that stands around it
constexpr std::size_t kSlack = 64;         // that the allocator may add

/// Those that a thread keeps.
class Kept {
 public:
  Kept() = default;
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    for (; count_ != 0; --count_) std::free(blocks_[count_ - 1]);
  }
  void* take() { return count_ == 0 ? nullptr : blocks_[--count_]; }
  bool keep(void* block) {
    if (count_ == blocks_.size()) return false;
    blocks_[count_++] = block;
    return true;
  }

 private:
  std::array<void*, 2> blocks_{};  // one to read into, one to write from
  std::size_t count_ = 0;
};
thread_local Kept kept;

void* allocate(std::size_t size, const char*, int) {
  if (size < kLeast || size > kSize) return std::malloc(size);
  void* const block = kept.take();
  return block != nullptr ? block : std::malloc(kSize);
}

void release(void* block, const char*, int) {
  const std::size_t size = block == nullptr ? 0 : ::malloc_usable_size(block);
  if (size < kSize || size > kSize + kSlack || !kept.keep(block)) std::free(block);
}

void* resize(void* block, std::size_t size, const char* file, int line) {
  if (block == nullptr) return allocate(size, file, line);
  return std::realloc(block, size);
}

}  // namespace

void keepRecordBuffers() { CRYPTO_set_mem_functions(allocate, resize, release); }

}  // namespace loam::tls
