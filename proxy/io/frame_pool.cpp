#include "proxy/io/frame_pool.h"

#include <array>
#include <cstdint>
#include <new>

namespace loam::io {

#if defined(__SANITIZE_ADDRESS__)

void* allocateFrame(std::size_t bytes) { return ::operator new(bytes); }
void freeFrame(void* frame, std::size_t) noexcept { ::operator delete(frame); }

#else

namespace {

constexpr std::size_t kStep = 64;
constexpr std::size_t kLargest = 2048;

struct FreeFrame {
  FreeFrame* next;
};

/// The free frames of one thread; what is left when the thread ends goes back to the heap.
class FreeLists {
 public:
  ~FreeLists() {
    for (FreeFrame* list : lists_) {
      while (list != nullptr) {
        FreeFrame* next = list->next;
        ::operator delete(list);
        list = next;
      }
    }
  }
  FreeFrame*& of(std::size_t bytes) { return lists_[(bytes + kStep - 1) / kStep - 1]; }

 private:
  std::array<FreeFrame*, kLargest / kStep> lists_{};
};

thread_local FreeLists freeLists;

}  // namespace

void* allocateFrame(std::size_t bytes) {
  if (bytes > kLargest) return ::operator new(bytes);
  FreeFrame*& list = freeLists.of(bytes);
  if (list == nullptr) return ::operator new((bytes + kStep - 1) / kStep * kStep);
  FreeFrame* frame = list;
  list = frame->next;
  return frame;
}

void freeFrame(void* frame, std::size_t bytes) noexcept {
  if (bytes > kLargest) {
    ::operator delete(frame);
    return;
  }
  FreeFrame*& list = freeLists.of(bytes);
  list = ::new (frame) FreeFrame{list};
}

#endif

}  // namespace loam::io
