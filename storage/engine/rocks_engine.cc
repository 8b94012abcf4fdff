#include "storage/engine/rocks_engine.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <cassert>
#include <utility>

#include "storage/engine/background_watch.h"
#include "storage/engine/rocks_status.h"

namespace millrace::engine {
namespace {

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// WriteBatch reports only mistakes of its caller: a size limit that is not set, a key of 4 GiB.
void Check(const rocksdb::Status& status) {
  assert(status.ok());
  static_cast<void>(status);
}

class RocksWriteUnit final : public WriteUnit {
 public:
  explicit RocksWriteUnit(const std::vector<rocksdb::ColumnFamilyHandle*>& handles) : handles_(handles) {}

  void Put(FamilyIndex family, std::string_view key, std::string_view value) override {
    Check(batch_.Put(handles_[family], ToSlice(key), ToSlice(value)));
  }

  void Put(FamilyIndex family, std::string_view key, std::span<const std::string_view> value_parts) override {
    const rocksdb::Slice key_slice = ToSlice(key);
    std::vector<rocksdb::Slice> slices;
    slices.reserve(value_parts.size());
    for (const std::string_view part : value_parts) slices.push_back(ToSlice(part));
    Check(batch_.Put(handles_[family], rocksdb::SliceParts(&key_slice, 1),
                     rocksdb::SliceParts(slices.data(), static_cast<int>(slices.size()))));
  }

  void Delete(FamilyIndex family, std::string_view key) override {
    Check(batch_.Delete(handles_[family], ToSlice(key)));
  }

  void DeleteRange(FamilyIndex family, std::string_view begin, std::string_view end) override {
    Check(batch_.DeleteRange(handles_[family], ToSlice(begin), ToSlice(end)));
  }

  bool empty() const override { return batch_.Count() == 0; }

  rocksdb::WriteBatch* batch() { return &batch_; }

 private:
  const std::vector<rocksdb::ColumnFamilyHandle*>& handles_;
  rocksdb::WriteBatch batch_;
};

class RocksCursor final : public Cursor {
 public:
  RocksCursor(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* handle, std::string_view begin, std::string_view end,
              Direction direction)
      : begin_(begin), end_(end), begin_slice_(begin_), end_slice_(end_), direction_(direction) {
    rocksdb::ReadOptions options;
    // The bounds keep the walk out of what other jobs deleted.
    options.iterate_lower_bound = &begin_slice_;
    options.iterate_upper_bound = &end_slice_;
    iterator_.reset(db->NewIterator(options, handle));
    if (direction_ == Direction::kForward) {
      iterator_->SeekToFirst();
    } else {
      iterator_->SeekToLast();
    }
  }

  bool valid() const override { return iterator_->Valid(); }
  std::string_view key() const override { return ToView(iterator_->key()); }
  std::string_view value() const override { return ToView(iterator_->value()); }
  void Next() override {
    if (direction_ == Direction::kForward) {
      iterator_->Next();
    } else {
      iterator_->Prev();
    }
  }
  absl::Status status() const override { return FromRocks(iterator_->status()); }

 private:
  const std::string begin_;
  const std::string end_;
  const rocksdb::Slice begin_slice_;
  const rocksdb::Slice end_slice_;
  const Direction direction_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

/// Walks over a family that the folder lacks.
class EmptyCursor final : public Cursor {
 public:
  bool valid() const override { return false; }
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  void Next() override {}
  absl::Status status() const override { return absl::OkStatus(); }
};

}  // namespace

RocksEngine::RocksEngine(std::unique_ptr<rocksdb::DB> db, std::vector<rocksdb::ColumnFamilyHandle*> handles,
                         std::shared_ptr<BackgroundWatch> watch, size_t log_bytes, std::shared_ptr<const void> lock)
    : lock_(std::move(lock)),
      db_(std::move(db)),
      handles_(std::move(handles)),
      watch_(std::move(watch)),
      max_log_bytes_(log_bytes) {}

RocksEngine::~RocksEngine() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    if (handle != nullptr) static_cast<void>(db_->DestroyColumnFamilyHandle(handle));
  }
  // What was promised is on disk already: a failure here loses nothing, and there is nobody left to tell.
  static_cast<void>(db_->Close());
}

absl::StatusOr<std::optional<std::string>> RocksEngine::Get(FamilyIndex family, std::string_view key) const {
  if (handles_[family] == nullptr) return std::nullopt;
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), handles_[family], ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return FromRocks(status);
  return std::optional<std::string>(std::move(value));
}

std::unique_ptr<Cursor> RocksEngine::Scan(FamilyIndex family, std::string_view begin, std::string_view end,
                                          Direction direction) const {
  if (handles_[family] == nullptr) return std::make_unique<EmptyCursor>();
  return std::make_unique<RocksCursor>(db_.get(), handles_[family], begin, end, direction);
}

std::unique_ptr<WriteUnit> RocksEngine::NewUnit() const { return std::make_unique<RocksWriteUnit>(handles_); }

absl::Status RocksEngine::Write(WriteUnit& unit, bool sync) {
  rocksdb::WriteBatch* const batch = static_cast<RocksWriteUnit&>(unit).batch();
  absl::MutexLock lock(&write_mutex_);
  if (absl::Status recovered = Recover(); !recovered.ok()) return recovered;
  if (log_bytes_ >= max_log_bytes_) {
    if (absl::Status begun = BeginLog(); !begun.ok()) return begun;
  }
  KeepUnflushed();
  rocksdb::WriteOptions options;
  options.sync = sync;
  log_bytes_ += batch->GetDataSize();
  return Conclude(db_->Write(options, batch));
}

absl::Status RocksEngine::SyncLog() {
  absl::MutexLock lock(&write_mutex_);
  if (absl::Status recovered = Recover(); !recovered.ok()) return recovered;
  return Conclude(db_->SyncWAL());
}

absl::Status RocksEngine::Conclude(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  watch_->Failed();
  if (watch_->TakeLogFailure()) failed_log_ = CurrentLog();
  return FromRocks(status);
}

absl::Status RocksEngine::Recover() {
  if (!watch_->failed()) return absl::OkStatus();
  // Something that was already on its way and fails while Resume waits for it, such as a compaction, makes Resume give
  // up the flush that it has just begun, and RocksDB forget it: the next Resume would wait for it for ever. So let all
  // that is on its way end first.
  static_cast<void>(db_->PauseBackgroundWork());
  static_cast<void>(db_->ContinueBackgroundWork());
  watch_->Forget();
  rocksdb::Status resumed = db_->Resume();
  // A log that failed once stops the whole process when it is written again (RocksDB asserts), so go on only in
  // another one. Resume begins it by flushing what is in memory; without anything there it would not.
  if (resumed.ok() && failed_log_ != 0 && CurrentLog() == failed_log_) {
    resumed = rocksdb::Status::IOError("the log cannot be written any more; restart the server");
  }
  if (resumed.ok()) {
    failed_log_ = 0;
    log_bytes_ = 0;
  } else {
    watch_->Failed();
  }
  return FromRocks(resumed);
}

absl::Status RocksEngine::BeginLog() {
  // At most one log is being flushed while the next is written.
  watch_->AwaitFlushes();
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  for (rocksdb::ColumnFamilyHandle* family : handles_) {
    if (!HasUnflushed(family)) continue;
    const rocksdb::Status begun = watch_->BeginFlush([&] { return db_->Flush(options, family); });
    // Compactions are too far behind. RocksDB makes the write wait for them, and the next one tries again.
    if (begun.IsTryAgain()) return absl::OkStatus();
    if (begun.IsAborted()) return Recover();
    if (!begun.ok()) {
      watch_->Failed();
      return FromRocks(begun);
    }
  }
  log_bytes_ = 0;
  return absl::OkStatus();
}

void RocksEngine::KeepUnflushed() {
  rocksdb::ColumnFamilyHandle* const own = db_->DefaultColumnFamily();
  if (HasUnflushed(own)) return;
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  // Where even this fails, the write that follows says why.
  static_cast<void>(db_->Put(options, own, "unflushed", ""));
}

bool RocksEngine::HasUnflushed(rocksdb::ColumnFamilyHandle* family) const {
  uint64_t count = 0;
  return db_->GetIntProperty(family, rocksdb::DB::Properties::kNumEntriesActiveMemTable, &count) && count > 0;
}

uint64_t RocksEngine::CurrentLog() const {
  std::unique_ptr<rocksdb::LogFile> log;
  return db_->GetCurrentWalFile(&log).ok() ? log->LogNumber() : 0;
}

}  // namespace millrace::engine
