// Memory of one Lua state: pooled by size, because Lua makes and drops small things all the time, and limited.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace millrace::execution {

/// Hands out memory up to a limit. The pool only grows; all of it goes at once with the allocator, so a state that
/// grew large is best closed and made anew. Not thread-safe.
class LuaAllocator {
 public:
  /// `on_strain` is called with `context` after each allocation of more than kLargeBytes, and after each that fails:
  /// copying much or collecting garbage, one instruction may take milliseconds.
  LuaAllocator(size_t limit_bytes, void (*on_strain)(void* context, size_t bytes), void* context)
      : limit_bytes_(limit_bytes), on_strain_(on_strain), context_(context) {}
  /// Frees the pool. Blocks above kPooledBytesMax must have been freed: lua_close does.
  ~LuaAllocator() = default;
  LuaAllocator(const LuaAllocator&) = delete;
  LuaAllocator& operator=(const LuaAllocator&) = delete;

  /// A lua_Alloc; `self` is the allocator.
  static void* Allocate(void* self, void* block, size_t old_size, size_t new_size);

  /// Bytes taken from the system: the pool with what is free in it, and all large blocks.
  size_t reserved_bytes() const { return reserved_bytes_; }

  static constexpr size_t kLargeBytes = 64 * 1024;

 private:
  static constexpr size_t kGranuleBytes = 16;
  static constexpr size_t kPooledBytesMax = 512;
  static constexpr size_t kSlabBytes = 16 * 1024;

  struct FreeBlock {
    FreeBlock* next;
  };

  static size_t ClassOf(size_t size) { return (size - 1) / kGranuleBytes; }

  void* Take(size_t size);
  void Give(void* block, size_t size);
  void* TakeFromSlab(size_t size_class);
  void* Resize(void* block, size_t old_size, size_t new_size);

  const size_t limit_bytes_;
  void (*const on_strain_)(void* context, size_t bytes);
  void* const context_;
  size_t reserved_bytes_ = 0;
  std::array<FreeBlock*, kPooledBytesMax / kGranuleBytes> free_{};
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::byte* slab_begin_ = nullptr;
  std::byte* slab_end_ = nullptr;
};

}  // namespace millrace::execution
