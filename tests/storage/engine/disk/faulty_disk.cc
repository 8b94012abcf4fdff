#include "tests/storage/engine/disk/faulty_disk.h"

#include <pthread.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace millrace::engine {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using Answer = FaultyDisk::Answer;
using Operation = FaultyDisk::Operation;

IOStatus ToStatus(Answer answer) {
  if (answer == Answer::kGo) return IOStatus::OK();
  return answer == Answer::kFull ? IOStatus::NoSpace("the test says so") : IOStatus::IOError("the test says so");
}

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name, FaultyDisk* disk)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), name_(std::move(name)), disk_(disk) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (name_.ends_with(".sst")) disk_->PassHold();
    const Answer answer = disk_->Ask(Operation::kWrite);
    if (answer != Answer::kGo && answer != Answer::kHalf) return ToStatus(answer);
    const rocksdb::Slice written(data.data(), answer == Answer::kHalf ? data.size() / 2 : data.size());
    IOStatus status = rocksdb::FSWritableFileOwnerWrapper::Append(written, options, debug);
    if (!status.ok()) return status;
    bytes_ += static_cast<int64_t>(written.size());
    return ToStatus(answer);
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    bytes_ = static_cast<int64_t>(size);
    return rocksdb::FSWritableFileOwnerWrapper::Truncate(size, options, debug);
  }
  // RocksDB asks for the space of a whole log at once, which takes a file system in memory longer than all the rest.
  void PrepareWrite(size_t, size_t, const IOOptions&, IODebugContext*) override {}
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    const Answer answer = disk_->Ask(Operation::kSync);
    if (answer == Answer::kGo) disk_->Synced(name_, bytes_);
    return ToStatus(answer);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }

 private:
  const std::string name_;
  FaultyDisk* const disk_;
  int64_t bytes_ = 0;
};

class FaultyFolder final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyFolder(std::unique_ptr<rocksdb::FSDirectory> folder, FaultyDisk* disk)
      : rocksdb::FSDirectoryWrapper(std::move(folder)), disk_(disk) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const Answer answer = disk_->Ask(Operation::kSync);
    if (answer == Answer::kGo) disk_->SyncedFolder();
    return ToStatus(answer);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  FaultyDisk* const disk_;
};

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(FaultyDisk* disk)
      : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(disk) {}

  const char* Name() const override { return "FaultyFileSystem"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    const bool is_log_of_deeds = name.find("LOG") != std::string::npos;
    const Answer answer = is_log_of_deeds ? Answer::kGo : disk_->Ask(Operation::kChange);
    if (answer != Answer::kGo) return ToStatus(answer);
    IOStatus status = rocksdb::FileSystemWrapper::NewWritableFile(name, options, file, debug);
    if (!status.ok() || is_log_of_deeds) return status;
    disk_->Made(name);
    *file = std::make_unique<FaultyFile>(std::move(*file), name, disk_);
    return status;
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* folder, IODebugContext* debug) override {
    IOStatus status = rocksdb::FileSystemWrapper::NewDirectory(name, options, folder, debug);
    if (status.ok()) *folder = std::make_unique<FaultyFolder>(std::move(*folder), disk_);
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    const Answer answer = disk_->Ask(Operation::kChange);
    if (answer != Answer::kGo) return ToStatus(answer);
    IOStatus status = rocksdb::FileSystemWrapper::RenameFile(from, to, options, debug);
    if (status.ok()) disk_->Renamed(from, to);
    return status;
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
    const Answer answer = disk_->Ask(Operation::kChange);
    if (answer != Answer::kGo) return ToStatus(answer);
    IOStatus status = rocksdb::FileSystemWrapper::DeleteFile(name, options, debug);
    if (status.ok()) disk_->Deleted(name);
    return status;
  }

 private:
  FaultyDisk* const disk_;
};

}  // namespace

FaultyDisk::FaultyDisk() : env_(rocksdb::NewCompositeEnv(std::make_shared<FaultyFileSystem>(this))) {}
FaultyDisk::~FaultyDisk() = default;

void FaultyDisk::Break(Fault fault, int64_t nth) {
  absl::MutexLock lock(&mutex_);
  fault_ = fault;
  left_ = nth;
  struck_ = false;
}

bool FaultyDisk::struck() const {
  absl::MutexLock lock(&mutex_);
  return struck_;
}

void FaultyDisk::Heal() {
  absl::MutexLock lock(&mutex_);
  if (PowerIsOut() && fault_ == Fault::kPowerCut) {
    std::error_code ignored;
    for (const std::string& file : new_names_) std::filesystem::remove(file, ignored);
    for (const auto& [file, bytes] : synced_) {
      if (!new_names_.contains(file)) std::filesystem::resize_file(file, static_cast<uintmax_t>(bytes), ignored);
    }
  }
  if (PowerIsOut()) {
    synced_.clear();
    new_names_.clear();
  }
  left_ = 0;
  struck_ = false;
}

void FaultyDisk::HoldCompactions() {
  absl::MutexLock lock(&mutex_);
  hold_compactions_ = true;
  compaction_held_ = false;
}

void FaultyDisk::AwaitHeldCompaction() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&compaction_held_));
}

void FaultyDisk::ReleaseCompactions() {
  absl::MutexLock lock(&mutex_);
  hold_compactions_ = false;
}

void FaultyDisk::PassHold() {
  std::array<char, 16> name = {};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  if (std::string_view(name.data()) != "rocksdb:low") return;
  absl::MutexLock lock(&mutex_);
  if (hold_compactions_) compaction_held_ = true;
  mutex_.Await(absl::Condition(this, &FaultyDisk::MayCompact));
}

bool FaultyDisk::PowerIsOut() const { return struck_ && (fault_ == Fault::kPowerCut || fault_ == Fault::kTornWrite); }

bool FaultyDisk::Concerns(Operation operation) const {
  if (fault_ == Fault::kPowerCut) return operation != Operation::kChange;
  return operation == (fault_ == Fault::kFailedSync ? Operation::kSync : Operation::kWrite);
}

FaultyDisk::Answer FaultyDisk::Ask(Operation operation) {
  absl::MutexLock lock(&mutex_);
  if (PowerIsOut()) return Answer::kFail;
  if (struck_ && fault_ == Fault::kDiskFull && operation == Operation::kWrite) return Answer::kFull;
  if (left_ == 0 || !Concerns(operation) || --left_ > 0) return Answer::kGo;
  struck_ = true;
  switch (fault_) {
    case Fault::kDiskFull:
      return Answer::kFull;
    case Fault::kShortWrite:
    case Fault::kTornWrite:
      return Answer::kHalf;
    default:
      return Answer::kFail;
  }
}

void FaultyDisk::Made(const std::string& file) {
  absl::MutexLock lock(&mutex_);
  synced_[file] = 0;
  new_names_.insert(file);
}

void FaultyDisk::Synced(const std::string& file, int64_t bytes) {
  absl::MutexLock lock(&mutex_);
  synced_[file] = bytes;
}

void FaultyDisk::SyncedFolder() {
  absl::MutexLock lock(&mutex_);
  new_names_.clear();
}

void FaultyDisk::Renamed(const std::string& from, const std::string& to) {
  absl::MutexLock lock(&mutex_);
  new_names_.clear();
  const auto found = synced_.find(from);
  if (found == synced_.end()) return;
  synced_[to] = found->second;
  synced_.erase(found);
}

void FaultyDisk::Deleted(const std::string& file) {
  absl::MutexLock lock(&mutex_);
  synced_.erase(file);
  new_names_.erase(file);
}

}  // namespace millrace::engine
