// Units of work that are written together. Each unit sees what those before it in the group did, although nothing of it
// is on disk yet, and nobody outside the group does.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/engine/engine.h"
#include "storage/format/keys.h"
#include "storage/model/job.h"
#include "storage/model/job_event.h"
#include "storage/model/notice.h"
#include "storage/store/rocks_job_table.h"

namespace millrace::store {

/// Used by the commit lane alone, for one group. A unit reads and checks first and changes last: once it has changed
/// something it may not fail any more.
class Group {
 public:
  /// Both must outlive the group.
  Group(engine::Engine* engine, JobTable* table);

  const engine::Engine& engine() const { return *engine_; }

  // Jobs.

  /// PIPELINE_NOT_FOUND.
  absl::StatusOr<LaneJob*> FindJob(const model::JobKey& key);
  /// Adds a job that is not in the store, with the event of its creation.
  void AddJob(model::JobPtr job);
  /// Replaces a job by what a verb made of it. A job that comes to its end gives up what only active jobs hold; one that is
  /// at work again takes it back. Events are written, as those of `by`.
  void ChangeJob(LaneJob* job, std::shared_ptr<model::Job> changed, std::string_view by = {},
                 std::string_view first_exception = {});
  /// The same, where the verb changed what is in its definition: see DefinitionFields.
  void RedefineJob(LaneJob* job, std::shared_ptr<model::Job> changed, std::string_view by = {});
  /// Forgets a job that has ended, of which nothing is left in the store.
  void RemoveJob(const model::Job& job);
  /// Whether the service version with this id exists.
  absl::StatusOr<bool> HasVersion(const std::string& tenant, const std::string& version_id) const;
  /// A job that has ended and is to be at work again needs its version and its unique key. SERVICE_VERSION_NOT_FOUND: the
  /// version was deleted since; UNIQUE_KEY_TAKEN: another job holds the key by now.
  absl::Status CheckAtWorkAgain(const model::Job& before, const model::Job& after) const;
  /// Writes an event that the job does not show, under its next number.
  void AddEvent(model::Job& job, const model::JobEvent& event);
  void AddEvents(model::Job& job, std::vector<model::JobEvent> events, std::string_view by);
  /// Jobs that have not ended.
  std::vector<model::JobPtr> UnfinishedJobs() const { return table_->Unfinished(); }
  /// What AddJob and ChangeJob took since the last call, in order.
  std::vector<model::JobPtr> TakeChanges();
  /// What webhooks are to be told of the events since the last call.
  std::vector<model::NoticeKey> TakeNotices();

  // Parts of a job that are read when they are first needed. Afterwards they may be changed in place; what has to be
  // written is marked in the job.

  absl::StatusOr<std::set<int64_t>*> Ahead(LaneJob* job);
  absl::StatusOr<model::RunStatistics*> Statistics(LaneJob* job);
  absl::StatusOr<GroupMap*> ExceptionGroups(LaneJob* job);

  // Rows that a later unit may ask for.

  absl::StatusOr<std::optional<std::string>> Get(format::Family family, const std::string& key) const;
  void Put(format::Family family, std::string key, std::string row);
  void Delete(format::Family family, std::string key);

  // Rows that no unit asks for, of any size.

  void PutUnread(format::Family family, std::string_view key, std::string_view row);
  void PutUnread(format::Family family, std::string_view key, std::span<const std::string_view> row_parts);
  void DeleteRange(format::Family family, const format::KeyRange& range);

  /// Writes all of it. On OK it is durable (`sync`: on disk; otherwise with the operating system) and the jobs are
  /// published; on any error nothing of the group remains.
  absl::Status Write(bool sync);

 private:
  void Touch(LaneJob* job);
  /// Keeps the sums over ended jobs. Null: the job was not there before, or is not any more.
  void CountEnded(const model::Job* before, const model::Job* after);
  /// Keeps the list of jobs by complete time; null as above.
  void ListEnded(const model::Job* before, const model::Job* after);
  void AddSumsRows();
  /// Keeps the index by the end of the retention. As CountEnded.
  void ListExpiry(const model::Job* before, const model::Job* after);
  void AddNotice(const model::Job& job, const model::JobEvent& event);
  /// Each row of a job once, however many units changed it.
  void AddJobRows();

  engine::Engine* const engine_;
  JobTable* const table_;
  const std::unique_ptr<engine::WriteUnit> unit_;
  /// Rows by key; nullopt where one is deleted.
  std::array<absl::flat_hash_map<std::string, std::optional<std::string>>, format::kFamilies.size()> rows_;
  std::vector<LaneJob*> touched_;
  /// Those that the group changes, as it leaves them.
  EndedSumsMap ended_;
  std::vector<model::JobPtr> changes_;
  std::vector<model::NoticeKey> notices_;
};

}  // namespace millrace::store
