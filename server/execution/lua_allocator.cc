#include "server/execution/lua_allocator.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace millrace::execution {

void* LuaAllocator::Allocate(void* self, void* block, size_t old_size, size_t new_size) {
  auto& allocator = *static_cast<LuaAllocator*>(self);
  // Without a block, old_size is the kind of the object to come, not a size.
  if (new_size == 0) {
    if (block != nullptr) allocator.Give(block, old_size);
    return nullptr;
  }
  void* result = block == nullptr ? allocator.Take(new_size) : allocator.Resize(block, old_size, new_size);
  if (new_size > kLargeBytes || result == nullptr) allocator.on_strain_(allocator.context_, new_size);
  return result;
}

void* LuaAllocator::Take(size_t size) {
  if (size <= kPooledBytesMax) {
    const size_t size_class = ClassOf(size);
    FreeBlock* block = free_[size_class];
    if (block == nullptr) return TakeFromSlab(size_class);
    free_[size_class] = block->next;
    return block;
  }
  if (size > limit_bytes_ - reserved_bytes_) return nullptr;
  void* block = std::malloc(size);
  if (block == nullptr) return nullptr;
  reserved_bytes_ += size;
  return block;
}

void LuaAllocator::Give(void* block, size_t size) {
  if (size <= kPooledBytesMax) {
    auto* free_block = static_cast<FreeBlock*>(block);
    free_block->next = free_[ClassOf(size)];
    free_[ClassOf(size)] = free_block;
  } else {
    std::free(block);
    reserved_bytes_ -= size;
  }
}

void* LuaAllocator::TakeFromSlab(size_t size_class) {
  const size_t size = (size_class + 1) * kGranuleBytes;
  if (static_cast<size_t>(slab_end_ - slab_begin_) < size) {
    if (kSlabBytes > limit_bytes_ - reserved_bytes_) return nullptr;
    // What is left of the old slab is smaller than one block and is lost.
    std::unique_ptr<std::byte[]> slab(new (std::nothrow) std::byte[kSlabBytes]);
    if (slab == nullptr) return nullptr;
    slab_begin_ = slab.get();
    slab_end_ = slab_begin_ + kSlabBytes;
    slabs_.push_back(std::move(slab));
    reserved_bytes_ += kSlabBytes;
  }
  void* block = slab_begin_;
  slab_begin_ += size;
  return block;
}

void* LuaAllocator::Resize(void* block, size_t old_size, size_t new_size) {
  const bool both_pooled = old_size <= kPooledBytesMax && new_size <= kPooledBytesMax;
  if (both_pooled && ClassOf(old_size) == ClassOf(new_size)) return block;
  if (old_size > kPooledBytesMax && new_size > kPooledBytesMax) {
    if (new_size > old_size && new_size - old_size > limit_bytes_ - reserved_bytes_) return nullptr;
    void* moved = std::realloc(block, new_size);
    if (moved == nullptr) return nullptr;
    reserved_bytes_ += new_size - old_size;
    return moved;
  }
  void* moved = Take(new_size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, std::min(old_size, new_size));
  Give(block, old_size);
  return moved;
}

}  // namespace millrace::execution
