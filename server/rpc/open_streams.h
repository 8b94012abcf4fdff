// Knows the streams that are open and what they hold in memory, so that a server that shuts down need not wait for clients
// that never end theirs, and many clients together do not take all memory.
#pragma once

#include <atomic>
#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace millrace::rpc {

/// Thread-safe.
class OpenStreams {
 public:
  class Member {
   public:
    virtual ~Member() = default;
    /// Ends the stream soon. Must be short and must not call OpenStreams.
    virtual void Close() = 0;
    /// Ends the stream now, whatever its client does. Must be short and must not call OpenStreams.
    virtual void Cancel() = 0;
  };

  /// `member` must stay until Remove has returned. When CloseAll was called before, it is closed at once.
  void Add(Member* member) {
    absl::MutexLock lock(&mutex_);
    members_.insert(member);
    if (closed_) member->Close();
  }

  void Remove(Member* member) {
    absl::MutexLock lock(&mutex_);
    members_.erase(member);
  }

  /// Closes all that are open, and each that is still to come. Does not wait.
  void CloseAll() {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    for (Member* member : members_) member->Close();
  }

  /// Waits until all are gone. Those that are not within `patience` are cancelled: a client that does not read would
  /// otherwise never hear of the end. After CloseAll.
  void AwaitGone(absl::Duration patience) {
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(this, &OpenStreams::IsEmpty), patience)) return;
    for (Member* member : members_) member->Cancel();
  }

  /// Bytes that came through streams and are neither stored nor refused yet.
  void Hold(size_t bytes) { held_bytes_ += bytes; }
  void Release(size_t bytes) { held_bytes_ -= bytes; }
  size_t held_bytes() const { return held_bytes_; }

 private:
  bool IsEmpty() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return members_.empty(); }

  std::atomic<size_t> held_bytes_ = 0;
  absl::Mutex mutex_;
  absl::flat_hash_set<Member*> members_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace millrace::rpc
