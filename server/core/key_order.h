// Which chunks of a job hold records with the same ordering key, and so must run one after the other.
//
// Keys are known as numbers that are equal for equal keys. Two keys that share a number by chance make a chunk wait that
// need not; nothing worse.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace millrace::core {

/// The unfinished chunks of one job, each behind the ones before it with which it shares a key. A chunk waits for the newest
/// such chunk of each of its keys; that one waits for the one before it, so a key is never out of order.
class KeyOrder {
 public:
  /// A chunk is known to hold `keys`, none of them twice. Chunks enter in push order.
  void Enter(int64_t sequence, std::vector<uint64_t> keys);

  bool Knows(int64_t sequence) const { return chunks_.contains(sequence); }

  /// The oldest chunk that must be over before `sequence` may start; 0: none.
  int64_t Blocker(int64_t sequence) const;

  /// The chunk is over. Returns the chunks that wait for no other now. Nothing happens where it is not known.
  std::vector<int64_t> Leave(int64_t sequence);

  /// Keys of all chunks that are here: what it costs in memory, about 40 bytes each.
  int64_t keys() const { return keys_; }

 private:
  struct Chunk {
    std::vector<uint64_t> keys;
    std::set<int64_t> waits_for;
    std::vector<int64_t> followers;
  };

  std::map<int64_t, Chunk> chunks_;
  /// The newest chunk that holds a key.
  absl::flat_hash_map<uint64_t, int64_t> newest_;
  int64_t keys_ = 0;
};

}  // namespace millrace::core
