// An engine that a test looks through: it counts what is written, holds up or refuses writes when told to, and lets the test act
// behind a read.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine/engine.h"

namespace millrace::store {

/// What went into one write.
struct WatchedWrite {
  /// Family and key of each row that was put.
  std::vector<std::pair<engine::FamilyIndex, std::string>> puts;

  int CountOf(engine::FamilyIndex family, const std::string& key) const {
    int count = 0;
    for (const auto& put : puts) count += put.first == family && put.second == key ? 1 : 0;
    return count;
  }
};

class WatchedUnit final : public engine::WriteUnit {
 public:
  explicit WatchedUnit(std::unique_ptr<engine::WriteUnit> unit) : unit_(std::move(unit)) {}

  void Put(engine::FamilyIndex family, std::string_view key, std::string_view value) override {
    watched.puts.emplace_back(family, key);
    unit_->Put(family, key, value);
  }
  void Put(engine::FamilyIndex family, std::string_view key, std::span<const std::string_view> parts) override {
    watched.puts.emplace_back(family, key);
    unit_->Put(family, key, parts);
  }
  void Delete(engine::FamilyIndex family, std::string_view key) override { unit_->Delete(family, key); }
  void DeleteRange(engine::FamilyIndex family, std::string_view begin, std::string_view end) override {
    unit_->DeleteRange(family, begin, end);
  }
  bool empty() const override { return unit_->empty(); }

  engine::WriteUnit& inner() { return *unit_; }

  WatchedWrite watched;

 private:
  const std::unique_ptr<engine::WriteUnit> unit_;
};

/// What the test and the engine share; outlives the engine.
class Watch {
 public:
  /// Called before each write; an error refuses it. May block.
  void BeforeWrite(std::function<absl::Status()> hook) {
    absl::MutexLock lock(&mutex_);
    hook_ = std::move(hook);
  }
  /// Called behind each read of one row, with its key, and behind the begin of each scan, with its first key; on the thread
  /// that reads.
  void AfterGet(std::function<void(std::string_view key)> hook) {
    absl::MutexLock lock(&mutex_);
    after_get_ = std::move(hook);
  }
  /// The writes that were let through.
  std::vector<WatchedWrite> writes() const {
    absl::MutexLock lock(&mutex_);
    return writes_;
  }
  int syncs() const {
    absl::MutexLock lock(&mutex_);
    return syncs_;
  }

 private:
  friend class WatchedEngine;

  mutable absl::Mutex mutex_;
  std::function<absl::Status()> hook_ ABSL_GUARDED_BY(mutex_);
  std::function<void(std::string_view)> after_get_ ABSL_GUARDED_BY(mutex_);
  std::vector<WatchedWrite> writes_ ABSL_GUARDED_BY(mutex_);
  int syncs_ ABSL_GUARDED_BY(mutex_) = 0;
};

class WatchedEngine final : public engine::Engine {
 public:
  WatchedEngine(std::unique_ptr<engine::Engine> engine, Watch* watch) : engine_(std::move(engine)), watch_(watch) {}

  absl::StatusOr<std::optional<std::string>> Get(engine::FamilyIndex family, std::string_view key) const override {
    auto row = engine_->Get(family, key);
    TellOfRead(key);
    return row;
  }
  std::unique_ptr<engine::Cursor> Scan(engine::FamilyIndex family, std::string_view begin, std::string_view end,
                                       engine::Direction direction) const override {
    auto cursor = engine_->Scan(family, begin, end, direction);
    TellOfRead(begin);
    return cursor;
  }
  std::unique_ptr<engine::WriteUnit> NewUnit() const override {
    return std::make_unique<WatchedUnit>(engine_->NewUnit());
  }
  absl::Status Write(engine::WriteUnit& unit, bool sync) override {
    std::function<absl::Status()> hook;
    {
      absl::MutexLock lock(&watch_->mutex_);
      hook = watch_->hook_;
    }
    if (hook) {
      if (absl::Status allowed = hook(); !allowed.ok()) return allowed;
    }
    auto& watched = static_cast<WatchedUnit&>(unit);
    const absl::Status written = engine_->Write(watched.inner(), sync);
    absl::MutexLock lock(&watch_->mutex_);
    if (written.ok()) watch_->writes_.push_back(watched.watched);
    return written;
  }
  absl::Status SyncLog() override {
    const absl::Status synced = engine_->SyncLog();
    absl::MutexLock lock(&watch_->mutex_);
    ++watch_->syncs_;
    return synced;
  }

 private:
  void TellOfRead(std::string_view key) const {
    std::function<void(std::string_view)> hook;
    {
      absl::MutexLock lock(&watch_->mutex_);
      hook = watch_->after_get_;
    }
    if (hook) hook(key);
  }

  const std::unique_ptr<engine::Engine> engine_;
  Watch* const watch_;
};

}  // namespace millrace::store
