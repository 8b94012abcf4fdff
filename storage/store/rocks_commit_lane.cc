#include "storage/store/rocks_commit_lane.h"

#include <array>

namespace millrace::store {
namespace {

// A group is as large as what one sync can carry without making the first unit wait long for the last.
constexpr size_t kGroupBytesMax = size_t{8} << 20;
constexpr size_t kGroupUnitsMax = 1'024;

constexpr std::array kGroupVerbsBounds = {1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0};

constexpr absl::Duration kSyncInterval = absl::Seconds(1);

}  // namespace

CommitLane::CommitLane(engine::Engine* engine, JobTable* table, const model::Clock* clock, bool sync)
    : engine_(engine), table_(table), clock_(clock), sync_(sync), group_verbs_(kGroupVerbsBounds), thread_([this] {
        Run();
      }) {}

CommitLane::~CommitLane() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    changed_.Signal();
  }
  thread_.join();
}

void CommitLane::Submit(std::unique_ptr<Unit> unit) {
  absl::MutexLock lock(&mutex_);
  waiting_.push_back(std::move(unit));
  // The lane waits only while there is nothing to do.
  if (waiting_.size() == 1) changed_.Signal();
}

void CommitLane::Run() {
  for (Units units = TakeGroup(); !units.empty() || !Ended(); units = TakeGroup()) {
    if (!units.empty()) Process(units);
    const bool idle = units.empty();
    if (unsynced_ && (idle || clock_->SteadyNanos() - synced_nanos_ >= absl::ToInt64Nanoseconds(kSyncInterval))) {
      SyncLog();
    }
  }
  if (unsynced_) SyncLog();
}

bool CommitLane::Ended() {
  absl::MutexLock lock(&mutex_);
  return ending_ && waiting_.empty();
}

CommitLane::Units CommitLane::TakeGroup() {
  absl::MutexLock lock(&mutex_);
  bool idle = false;
  while (waiting_.empty() && !ending_ && !idle) {
    if (unsynced_) {
      idle = changed_.WaitWithTimeout(&mutex_, kSyncInterval);
    } else {
      changed_.Wait(&mutex_);
    }
  }
  Units units;
  size_t bytes = 0;
  while (!waiting_.empty() && units.size() < kGroupUnitsMax) {
    const Passage& next = waiting_.front()->passage();
    if (!units.empty() && (next.alone || bytes + next.bytes > kGroupBytesMax)) break;
    bytes += next.bytes;
    const bool alone = next.alone;
    units.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    if (alone) break;
  }
  return units;
}

void CommitLane::Process(const Units& units) {
  Group group(engine_, table_);
  std::vector<std::vector<model::JobPtr>> changes;
  changes.reserve(units.size());
  for (const auto& unit : units) {
    unit->Apply(group);
    changes.push_back(group.TakeChanges());
  }
  const int64_t begin_nanos = clock_->SteadyNanos();
  const absl::Status written = group.Write(sync_);
  write_seconds_.Add(1e-9 * static_cast<double>(clock_->SteadyNanos() - begin_nanos));
  group_verbs_.Add(static_cast<double>(units.size()));
  if (!written.ok()) failed_writes_.fetch_add(1, std::memory_order_relaxed);
  unsynced_ = unsynced_ || !sync_;
  if (written.ok() && notice_observer_ != nullptr) {
    for (const model::NoticeKey& notice : group.TakeNotices()) notice_observer_->OnNotice(notice);
  }
  for (size_t i = 0; i < units.size(); ++i) {
    if (written.ok() && observer_ != nullptr) {
      for (const model::JobPtr& job : changes[i]) observer_->OnJobChanged(job);
    }
    units[i]->Complete(written);
  }
}

StoreStatistics CommitLane::Statistics() const {
  return {.group_verbs = group_verbs_.Read(),
          .write_seconds = write_seconds_.Read(),
          .failed_writes = failed_writes_.load(std::memory_order_relaxed),
          .engine = {}};
}

void CommitLane::SyncLog() {
  // A failure is met again, and reported, by the next write. At the end nobody is left to hear of it; what was promised
  // without sync is with the operating system already.
  unsynced_ = !engine_->SyncLog().ok();
  synced_nanos_ = clock_->SteadyNanos();
}

}  // namespace millrace::store
