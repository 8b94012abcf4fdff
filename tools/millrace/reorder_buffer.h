// Puts things that arrive in any order back in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace millrace::cli {

/// Holds values by their position, 1, 2, 3 and so on, until all before them were taken. Not thread-safe.
template <typename T>
class ReorderBuffer {
 public:
  /// Holds `value`. False, and no change, when the position was put before: a repeated reply.
  bool Put(int64_t position, T value) {
    if (position < next_) return false;
    return waiting_.try_emplace(position, std::move(value)).second;
  }

  /// True when TakeNext has a value to give.
  bool HasNext() const { return !waiting_.empty() && waiting_.begin()->first == next_; }

  /// The value whose turn it is, or nothing when it has not come yet.
  std::optional<T> TakeNext() {
    if (!HasNext()) return std::nullopt;
    std::optional<T> value = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    ++next_;
    return value;
  }

  /// The position that is waited for.
  int64_t next() const { return next_; }

  /// How many values are held.
  size_t size() const { return waiting_.size(); }

 private:
  std::map<int64_t, T> waiting_;
  int64_t next_ = 1;
};

}  // namespace millrace::cli
