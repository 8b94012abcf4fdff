#include "server/core/key_order.h"

#include <utility>

namespace millrace::core {

void KeyOrder::Enter(int64_t sequence, std::vector<uint64_t> keys) {
  Chunk& chunk = chunks_[sequence];
  chunk.keys = std::move(keys);
  keys_ += static_cast<int64_t>(chunk.keys.size());
  for (const uint64_t key : chunk.keys) {
    int64_t& newest = newest_[key];
    if (newest != 0 && chunk.waits_for.insert(newest).second) chunks_[newest].followers.push_back(sequence);
    newest = sequence;
  }
}

int64_t KeyOrder::Blocker(int64_t sequence) const {
  const auto it = chunks_.find(sequence);
  return it == chunks_.end() || it->second.waits_for.empty() ? 0 : *it->second.waits_for.begin();
}

std::vector<int64_t> KeyOrder::Leave(int64_t sequence) {
  const auto it = chunks_.find(sequence);
  if (it == chunks_.end()) return {};
  const Chunk chunk = std::move(it->second);
  chunks_.erase(it);
  keys_ -= static_cast<int64_t>(chunk.keys.size());
  for (const uint64_t key : chunk.keys) {
    const auto newest = newest_.find(key);
    if (newest != newest_.end() && newest->second == sequence) newest_.erase(newest);
  }
  std::vector<int64_t> ready;
  for (const int64_t follower : chunk.followers) {
    const auto waiting = chunks_.find(follower);
    if (waiting == chunks_.end()) continue;
    waiting->second.waits_for.erase(sequence);
    if (waiting->second.waits_for.empty()) ready.push_back(follower);
  }
  return ready;
}

}  // namespace millrace::core
