// What RocksDB's own threads tell the engine: errors, and flushes that begin and end.
//
// RocksDB 7.8 loses a flush that was handed to a thread and has not begun when an error is noted: it stays in a queue
// that nobody reads, and DB::Resume waits for it for ever. So flushes are begun one at a time and only here, and an
// error is not noted until the one that was asked for has begun (docs/adr/0015).
#pragma once

#include <rocksdb/listener.h>
#include <rocksdb/status.h>

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"

namespace millrace::engine {

/// Thread-safe; shared with RocksDB. Compactions are left out: one that fails is tried again by RocksDB.
class BackgroundWatch final : public rocksdb::EventListener {
 public:
  /// Runs `flush`, which asks RocksDB for one flush and does not wait, and returns when that has begun. Aborted, and
  /// nothing is run, when something failed. One thread at a time.
  rocksdb::Status BeginFlush(absl::FunctionRef<rocksdb::Status()> flush) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Returns when all flushes that have begun have ended, or when one has failed.
  void AwaitFlushes() ABSL_LOCKS_EXCLUDED(mutex_);

  /// Notes a failure that RocksDB told somebody else.
  void Failed() ABSL_LOCKS_EXCLUDED(mutex_);
  /// True when something failed since Forget.
  bool failed() const ABSL_LOCKS_EXCLUDED(mutex_);
  /// Begins anew. REQUIRES: no flush is on its way.
  void Forget() ABSL_LOCKS_EXCLUDED(mutex_);
  /// True when the log could not be written or synced since the last call. A write that is refused because something else
  /// failed before does not touch the log.
  bool TakeLogFailure() ABSL_LOCKS_EXCLUDED(mutex_);

  void OnFlushBegin(rocksdb::DB* db, const rocksdb::FlushJobInfo& info) override;
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& info) override;
  /// RocksDB notes the error when this returns.
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  /// Keeps RocksDB from waiting for space on a thread of its own: meanwhile it would refuse to resume when asked to.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status error, bool* auto_recovery) override;

 private:
  bool Begun() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !asked_; }
  bool Quiet() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return running_ == 0 || failed_; }

  mutable absl::Mutex mutex_;
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
  bool log_failed_ ABSL_GUARDED_BY(mutex_) = false;
  /// A flush was asked for and has not begun.
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread::id asker_ ABSL_GUARDED_BY(mutex_);
  /// Flushes that have begun and not ended; those that failed are counted until Forget.
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace millrace::engine
