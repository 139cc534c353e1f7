#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace loam::observe {

/// Bounded queue of fixed-size records between exactly one producer thread and one consumer thread: no lock, no
/// allocation after construction, no wake-up. Each side keeps its own copy of the other's index, so that a push touches
/// the shared line of the consumer only when the ring looks full.
template <class T>
class Ring {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// `capacity` is rounded up to a power of two.
  explicit Ring(std::size_t capacity)
      : mask_(std::bit_ceil(capacity) - 1), slots_(std::make_unique_for_overwrite<T[]>(mask_ + 1)) {}

  /// Producer: the slot that the next publish() hands over, or nullptr when the ring is full.
  T* claim() {
    const std::size_t head = producer_.index.load(std::memory_order_relaxed);
    if (head - producer_.other > mask_) {
      producer_.other = consumer_.index.load(std::memory_order_acquire);
      if (head - producer_.other > mask_) return nullptr;
    }
    return &slots_[head & mask_];
  }
  void publish() {
    producer_.index.store(producer_.index.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  /// Producer: false when the ring is full.
  bool push(const T& item) {
    T* slot = claim();
    if (slot == nullptr) return false;
    *slot = item;
    publish();
    return true;
  }

  /// Consumer: how many can be popped now.
  std::size_t available() {
    consumer_.other = producer_.index.load(std::memory_order_acquire);
    return consumer_.other - consumer_.index.load(std::memory_order_relaxed);
  }
  /// Consumer: false when nothing was published.
  bool pop(T& out) {
    const std::size_t tail = consumer_.index.load(std::memory_order_relaxed);
    if (tail == consumer_.other && available() == 0) return false;
    out = slots_[tail & mask_];
    consumer_.index.store(tail + 1, std::memory_order_release);
    return true;
  }

  std::size_t capacity() const { return mask_ + 1; }

 private:
  struct alignas(128) Side {
    std::atomic<std::size_t> index{0};
    std::size_t other = 0;  // what this side last saw of the other's index
  };

  const std::size_t mask_;
  const std::unique_ptr<T[]> slots_;
  Side producer_;
  Side consumer_;
};

}  // namespace loam::observe
