#include "storage/engine/background_watch.h"

#include <utility>

namespace millrace::engine {

rocksdb::Status BackgroundWatch::BeginFlush(absl::FunctionRef<rocksdb::Status()> flush) {
  {
    absl::MutexLock lock(&mutex_);
    if (failed_) return rocksdb::Status::Aborted("an error was noted meanwhile");
    asked_ = true;
    asker_ = std::this_thread::get_id();
  }
  const rocksdb::Status status = flush();
  absl::MutexLock lock(&mutex_);
  if (!status.ok()) asked_ = false;
  mutex_.Await(absl::Condition(this, &BackgroundWatch::Begun));
  asker_ = std::thread::id();
  return status;
}

void BackgroundWatch::AwaitFlushes() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &BackgroundWatch::Quiet));
}

void BackgroundWatch::Failed() {
  absl::MutexLock lock(&mutex_);
  failed_ = true;
}

bool BackgroundWatch::failed() const {
  absl::MutexLock lock(&mutex_);
  return failed_;
}

void BackgroundWatch::Forget() {
  absl::MutexLock lock(&mutex_);
  failed_ = false;
  running_ = 0;
}

bool BackgroundWatch::TakeLogFailure() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(log_failed_, false);
}

void BackgroundWatch::OnFlushBegin(rocksdb::DB*, const rocksdb::FlushJobInfo&) {
  absl::MutexLock lock(&mutex_);
  asked_ = false;
  ++running_;
}

void BackgroundWatch::OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo&) {
  absl::MutexLock lock(&mutex_);
  --running_;
}

void BackgroundWatch::OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status*) {
  if (reason == rocksdb::BackgroundErrorReason::kCompaction) return;
  absl::MutexLock lock(&mutex_);
  failed_ = true;
  if (reason == rocksdb::BackgroundErrorReason::kWriteCallback) log_failed_ = true;
  // The flush that was asked for failed before it was said to begin, or could not even be asked for.
  if (reason == rocksdb::BackgroundErrorReason::kFlush || asker_ == std::this_thread::get_id()) asked_ = false;
  mutex_.Await(absl::Condition(this, &BackgroundWatch::Begun));
}

void BackgroundWatch::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) {
  *auto_recovery = false;
}

}  // namespace millrace::engine
