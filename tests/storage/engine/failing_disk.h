// A disk that fills up when told to.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace millrace::engine {

/// Says how many more appends succeed, over all files. Shared by the file system and its files.
class AppendBudget {
 public:
  void Unlimited() { left_ = kUnlimited; }
  /// The n-th append from now is the first that fails, and so do all that follow.
  void FailFrom(int64_t n) { left_ = n - 1; }

  bool Take() {
    int64_t left = left_.load();
    while (left != kUnlimited && left > 0 && !left_.compare_exchange_weak(left, left - 1)) {
    }
    return left != 0;
  }

 private:
  static constexpr int64_t kUnlimited = -1;
  std::atomic<int64_t> left_{kUnlimited};
};

class FailingFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FailingFile(std::unique_ptr<rocksdb::FSWritableFile> file, AppendBudget* budget)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), budget_(budget) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    if (!budget_->Take()) return rocksdb::IOStatus::NoSpace("the test says so");
    return rocksdb::FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }

 private:
  AppendBudget* const budget_;
};

class FailingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FailingFileSystem(AppendBudget* budget)
      : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), budget_(budget) {}

  const char* Name() const override { return "FailingFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    const rocksdb::IOStatus status = rocksdb::FileSystemWrapper::NewWritableFile(name, options, file, debug);
    // RocksDB's own log of what it does may always grow: it is no part of the data.
    if (status.ok() && name.find("LOG") == name.npos) *file = std::make_unique<FailingFile>(std::move(*file), budget_);
    return status;
  }

 private:
  AppendBudget* const budget_;
};

/// An Env whose files obey `budget`, which must outlive it.
inline std::unique_ptr<rocksdb::Env> MakeFailingEnv(AppendBudget* budget) {
  return rocksdb::NewCompositeEnv(std::make_shared<FailingFileSystem>(budget));
}

}  // namespace millrace::engine
