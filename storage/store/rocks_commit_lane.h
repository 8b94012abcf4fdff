// The one thread through which everything is written. Verbs prepare on the caller's thread what is expensive, and hand
// a unit of work to the lane. The lane takes the units that wait, lets each check and change what those before it
// left, writes them all at once, tells the observer, and completes them: one sync for many verbs, no locks on jobs.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine/engine.h"
#include "storage/model/clock.h"
#include "storage/model/histogram.h"
#include "storage/store/job_store.h"
#include "storage/store/notice_store.h"
#include "storage/store/rocks_group.h"
#include "storage/store/rocks_job_table.h"
#include "storage/store/store_statistics.h"

namespace millrace::store {

/// What a verb does on the lane. A verb that is refused leaves nothing in the group.
template <typename T>
using Verb = absl::AnyInvocable<absl::StatusOr<T>(Group&)>;

/// How a verb goes through the lane.
struct Passage {
  /// About how much it writes.
  size_t bytes = 0;
  /// It looks at whole ranges on disk, so nothing may wait in its group beside it.
  bool alone = false;
};

/// A verb and whoever waits for it. Used by the lane.
class Unit {
 public:
  explicit Unit(const Passage& passage) : passage_(passage) {}
  virtual ~Unit() = default;

  const Passage& passage() const { return passage_; }
  virtual void Apply(Group& group) = 0;
  /// `written` is what became of the group. Also a refusal gives way to its error: it may rest on what was not written.
  virtual void Complete(const absl::Status& written) = 0;

 private:
  const Passage passage_;
};

template <typename T>
class VerbUnit final : public Unit {
 public:
  VerbUnit(const Passage& passage, Verb<T> verb, Completion<T> done)
      : Unit(passage), verb_(std::move(verb)), done_(std::move(done)) {}

  void Apply(Group& group) override { outcome_.emplace(verb_(group)); }
  void Complete(const absl::Status& written) override {
    if (!written.ok()) outcome_.emplace(written);
    done_(*std::move(outcome_));
  }

 private:
  Verb<T> verb_;
  Completion<T> done_;
  std::optional<absl::StatusOr<T>> outcome_;
};

class CommitLane {
 public:
  /// All must outlive the lane. See RocksJobStoreOptions::sync.
  CommitLane(engine::Engine* engine, JobTable* table, const model::Clock* clock, bool sync);
  /// Completes all that was submitted, and puts it on disk.
  ~CommitLane();

  /// Before the first Submit.
  void SetObserver(JobObserver* observer) { observer_ = observer; }
  void SetNoticeObserver(NoticeObserver* observer) { notice_observer_ = observer; }

  template <typename T>
  void Submit(const Passage& passage, Verb<T> verb, Completion<T> done) {
    Submit(std::make_unique<VerbUnit<T>>(passage, std::move(verb), std::move(done)));
  }

  /// For any thread. What the engine has to tell is not in it.
  StoreStatistics Statistics() const;

 private:
  using Units = std::vector<std::unique_ptr<Unit>>;

  void Submit(std::unique_ptr<Unit> unit);
  void Run();
  bool Ended();
  /// Waits for units and takes as many as make a group. Empty: none came for a while and the log is not synced, or the
  /// lane ends.
  Units TakeGroup();
  void Process(const Units& units);
  void SyncLog();

  engine::Engine* const engine_;
  JobTable* const table_;
  const model::Clock* const clock_;
  const bool sync_;
  JobObserver* observer_ = nullptr;
  NoticeObserver* notice_observer_ = nullptr;

  model::Histogram group_verbs_;
  model::Histogram write_seconds_{model::SecondsBounds()};
  std::atomic<int64_t> failed_writes_ = 0;

  // The lane's own.
  bool unsynced_ = false;
  int64_t synced_nanos_ = 0;

  absl::Mutex mutex_;
  absl::CondVar changed_;
  std::deque<std::unique_ptr<Unit>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;

  /// Last: it uses all of the above.
  std::thread thread_;
};

}  // namespace millrace::store
