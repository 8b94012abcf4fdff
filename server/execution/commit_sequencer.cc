#include "server/execution/commit_sequencer.h"

#include <algorithm>
#include <utility>

namespace millrace::execution {

void CommitSequencer::Begin(const model::JobKey& job, int64_t sequence, int64_t watermark) {
  absl::MutexLock lock(&mutex_);
  const auto [entry, is_new] = entries_.try_emplace(job);
  if (is_new) entry->second.next = watermark + 1;
  // One that was handed in and could not be stored comes again.
  entry->second.next = std::min(entry->second.next, sequence);
  entry->second.running.insert(sequence);
}

void CommitSequencer::Submit(const model::JobKey& job, int64_t sequence, HandIn hand_in) {
  {
    absl::MutexLock lock(&mutex_);
    Entry& entry = entries_[job];
    entry.running.erase(sequence);
    entry.held.insert_or_assign(sequence, std::move(hand_in));
  }
  Release(job);
}

void CommitSequencer::Abandon(const model::JobKey& job, int64_t sequence) {
  {
    absl::MutexLock lock(&mutex_);
    const auto entry = entries_.find(job);
    if (entry == entries_.end()) return;
    entry->second.running.erase(sequence);
  }
  Release(job);
}

void CommitSequencer::PassOver(const model::JobKey& job, int64_t sequence) {
  {
    absl::MutexLock lock(&mutex_);
    const auto entry = entries_.find(job);
    if (entry == entries_.end()) return;
    entry->second.running.erase(sequence);
    entry->second.passed_over.insert(sequence);
    SkipPassedOver(entry->second);
  }
  Release(job);
}

void CommitSequencer::SkipPassedOver(Entry& entry) {
  while (entry.passed_over.contains(entry.next)) ++entry.next;
}

void CommitSequencer::End(const model::JobKey& job) {
  {
    absl::MutexLock lock(&mutex_);
    const auto entry = entries_.find(job);
    if (entry == entries_.end()) return;
    entry->second.ended = true;
  }
  Release(job);
}

void CommitSequencer::GiveUp() {
  std::map<model::JobKey, Entry> entries;
  {
    absl::MutexLock lock(&mutex_);
    entries.swap(entries_);
  }
  for (auto& [job, entry] : entries) {
    for (auto& [sequence, hand_in] : entry.held) hand_in(/*is_due=*/false);
  }
}

size_t CommitSequencer::size() const {
  absl::MutexLock lock(&mutex_);
  return entries_.size();
}

bool CommitSequencer::IsDue(const Entry& entry) {
  if (entry.held.empty()) return false;
  const int64_t first = entry.held.begin()->first;
  if (!entry.ended) return first == entry.next;
  return entry.running.empty() || first < *entry.running.begin();
}

void CommitSequencer::Release(const model::JobKey& job) {
  for (bool is_first = true;; is_first = false) {
    HandIn hand_in;
    {
      absl::MutexLock lock(&mutex_);
      const auto found = entries_.find(job);
      if (found == entries_.end()) return;
      Entry& entry = found->second;
      if (is_first && entry.busy) return;
      entry.busy = IsDue(entry);
      if (!entry.busy) {
        if (entry.ended && entry.running.empty()) entries_.erase(found);
        return;
      }
      const auto due = entry.held.begin();
      entry.next = due->first + 1;
      SkipPassedOver(entry);
      hand_in = std::move(due->second);
      entry.held.erase(due);
    }
    hand_in(/*is_due=*/true);
  }
}

}  // namespace millrace::execution
