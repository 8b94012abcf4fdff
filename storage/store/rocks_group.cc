#include "storage/store/rocks_group.h"

#include <utility>

#include "storage/format/notice_rows.h"
#include "storage/format/rows.h"
#include "storage/model/built_in.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

using format::Family;

Group::Group(engine::Engine* engine, JobTable* table) : engine_(engine), table_(table), unit_(engine->NewUnit()) {}

absl::StatusOr<LaneJob*> Group::FindJob(const model::JobKey& key) {
  LaneJob* job = table_->Find(key);
  if (job == nullptr) {
    absl::StatusOr<model::JobPtr> loaded = LoadJob(*engine_, key);
    if (!loaded.ok()) return loaded.status();
    job = table_->Add(key, *std::move(loaded));
  }
  Touch(job);
  return job;
}

void Group::AddJob(model::JobPtr job) {
  const model::JobKey key = job->key();
  LaneJob* const added = table_->Add(key, nullptr);
  added->job = job;
  Touch(added);
  Put(Family::kIndex, format::UnfinishedJobKey(key), "");
  PutUnread(Family::kEvents, format::JobEventKey(key, job->last_event),
            format::EncodeJobEvent(model::CreationEvent(*job)));
  changes_.push_back(std::move(job));
}

void Group::ChangeJob(LaneJob* job, std::shared_ptr<model::Job> changed, std::string_view by,
                      std::string_view first_exception) {
  const model::JobKey key = changed->key();
  std::vector<model::JobEvent> events = model::ProgressEvents(*job->job, *changed);
  for (model::JobEvent& event : events) {
    if (event.kind == model::JobEventKind::kFirstException) event.detail = first_exception;
  }
  AddEvents(*changed, std::move(events), by);
  if (!model::IsFinal(job->job->state) && model::IsFinal(changed->state)) {
    Delete(Family::kIndex, format::UnfinishedJobKey(key));
    const std::string& unique_key = changed->options.unique_key;
    if (!unique_key.empty()) Delete(Family::kIndex, format::UniqueKeyKey(key.tenant, unique_key));
  }
  if (model::IsFinal(job->job->state) && !model::IsFinal(changed->state)) {
    Put(Family::kIndex, format::UnfinishedJobKey(key), "");
    const std::string& unique_key = changed->options.unique_key;
    if (!unique_key.empty()) {
      Put(Family::kIndex, format::UniqueKeyKey(key.tenant, unique_key), format::EncodeIndexedJob({key.job_id}));
    }
  }
  CountEnded(job->job.get(), changed.get());
  ListEnded(job->job.get(), changed.get());
  ListExpiry(job->job.get(), changed.get());
  job->job = changed;
  changes_.push_back(std::move(changed));
}

void Group::RemoveJob(const model::Job& job) {
  CountEnded(&job, nullptr);
  ListEnded(&job, nullptr);
  ListExpiry(&job, nullptr);
}

void Group::ListExpiry(const model::Job* before, const model::Job* after) {
  const auto time_of = [](const model::Job* job) {
    return job == nullptr ? absl::InfiniteFuture() : model::ExpireTime(*job);
  };
  const absl::Time had = time_of(before);
  const absl::Time has = time_of(after);
  if (had == has) return;
  const model::JobKey key = before->key();
  if (had != absl::InfiniteFuture()) Delete(Family::kIndex, format::ExpiryKey({had, key}));
  if (has != absl::InfiniteFuture()) Put(Family::kIndex, format::ExpiryKey({has, key}), "");
}

void Group::ListEnded(const model::Job* before, const model::Job* after) {
  const auto key_of = [](const model::Job* job) {
    if (job == nullptr || !model::IsFinal(job->state)) return std::string();
    return format::JobByEndKey(job->tenant, job->complete_time, job->id);
  };
  std::string had = key_of(before);
  std::string has = key_of(after);
  if (had == has) return;
  if (!had.empty()) Delete(Family::kIndex, std::move(had));
  if (!has.empty()) Put(Family::kIndex, std::move(has), "");
}

void Group::CountEnded(const model::Job* before, const model::Job* after) {
  const bool had_ended = before != nullptr && model::IsFinal(before->state);
  const bool has_ended = after != nullptr && model::IsFinal(after->state);
  if (!had_ended && !has_ended) return;
  const model::Job& job = before != nullptr ? *before : *after;
  const format::TenantService service{job.tenant, job.service};
  const auto [sums, is_new] = ended_.try_emplace(service);
  if (is_new) sums->second = table_->EndedSums(service);
  if (had_ended) model::TakeJob(sums->second, *before);
  if (has_ended) model::AddJob(sums->second, *after);
}

void Group::RedefineJob(LaneJob* job, std::shared_ptr<model::Job> changed, std::string_view by) {
  job->definition_changed = true;
  AddEvents(*changed, model::DefinitionEvents(*job->job, *changed), by);
  ChangeJob(job, std::move(changed), by);
}

absl::StatusOr<bool> Group::HasVersion(const std::string& tenant, const std::string& version_id) const {
  if (model::FindBuiltInVersion(version_id) != nullptr) return true;
  const auto version = Get(Family::kIndex, format::VersionIdKey(tenant, version_id));
  if (!version.ok()) return version.status();
  return version->has_value();
}

absl::Status Group::CheckAtWorkAgain(const model::Job& before, const model::Job& after) const {
  if (!model::IsFinal(before.state) || model::IsFinal(after.state)) return absl::OkStatus();
  if (absl::Status kept = model::CheckNotDropped(before); !kept.ok()) return kept;
  const absl::StatusOr<bool> has_version = HasVersion(after.tenant, after.version_id);
  if (!has_version.ok()) return has_version.status();
  if (!*has_version) return JobVersionDeleted(after);
  const std::string& unique_key = after.options.unique_key;
  if (unique_key.empty()) return absl::OkStatus();
  const auto row = Get(Family::kIndex, format::UniqueKeyKey(after.tenant, unique_key));
  if (!row.ok()) return row.status();
  if (!row->has_value()) return absl::OkStatus();
  const absl::StatusOr<format::IndexedJob> holder = format::DecodeIndexedJob(**row);
  return holder.ok() ? UniqueKeyTaken(unique_key, holder->job_id) : holder.status();
}

void Group::AddEvent(model::Job& job, const model::JobEvent& event) {
  const model::JobKey key = job.key();
  ++job.last_event;
  PutUnread(Family::kEvents, format::JobEventKey(key, job.last_event), format::EncodeJobEvent(event));
  if (model::IsToBeTold(job, event)) AddNotice(job, event);
  if (job.last_event > model::kJobEventsMax) {
    Delete(Family::kEvents, format::JobEventKey(key, job.last_event - model::kJobEventsMax));
  }
}

void Group::AddNotice(const model::Job& job, const model::JobEvent& event) {
  model::Notice notice = model::MakeNotice(job, event);
  notice.event.number = job.last_event;
  PutUnread(Family::kIndex, format::NoticeRowKey(notice.key()), format::EncodeNotice(notice));
  notices_.push_back(notice.key());
}

void Group::AddEvents(model::Job& job, std::vector<model::JobEvent> events, std::string_view by) {
  for (model::JobEvent& event : events) {
    event.by = by;
    AddEvent(job, event);
  }
}

std::vector<model::JobPtr> Group::TakeChanges() { return std::exchange(changes_, {}); }

std::vector<model::NoticeKey> Group::TakeNotices() { return std::exchange(notices_, {}); }

absl::StatusOr<std::set<int64_t>*> Group::Ahead(LaneJob* job) {
  if (job->ahead.has_value()) return &*job->ahead;
  std::set<int64_t> ahead;
  // No commit of this group can be missing here: the first one read the set, and it stayed.
  const model::Job& stored = *job->job;
  const auto range = format::NumberRange(stored.key(), stored.watermark + 1, stored.highest_committed);
  const auto cursor = Scan(*engine_, Family::kChunks, range);
  for (; cursor->valid(); cursor->Next()) {
    const std::optional<int64_t> sequence = format::ParseNumber(cursor->key());
    if (!sequence.has_value()) return CorruptKey();
    const absl::StatusOr<model::Chunk> chunk = format::DecodeChunk(*sequence, cursor->value());
    if (!chunk.ok()) return chunk.status();
    if (chunk->state == model::ChunkState::kCommitted) ahead.insert(*sequence);
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return &job->ahead.emplace(std::move(ahead));
}

absl::StatusOr<model::RunStatistics*> Group::Statistics(LaneJob* job) {
  if (job->statistics.has_value()) return &*job->statistics;
  const auto row = engine_->Get(At(Family::kStatistics), format::StatisticsKey(job->job->key()));
  if (!row.ok()) return row.status();
  absl::StatusOr<model::RunStatistics> statistics = format::DecodeRunStatistics(row->value_or(""));
  if (!statistics.ok()) return statistics.status();
  return &job->statistics.emplace(*std::move(statistics));
}

absl::StatusOr<GroupMap*> Group::ExceptionGroups(LaneJob* job) {
  if (job->groups.has_value()) return &*job->groups;
  GroupMap groups;
  const auto cursor = Scan(*engine_, Family::kExceptions, format::ExceptionGroups(job->job->key()));
  for (; cursor->valid(); cursor->Next()) {
    absl::StatusOr<model::ExceptionGroup> group = format::DecodeExceptionGroup(cursor->value());
    if (!group.ok()) return group.status();
    std::string fingerprint = group->fingerprint;
    groups.emplace(std::move(fingerprint), *std::move(group));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return &job->groups.emplace(std::move(groups));
}

absl::StatusOr<std::optional<std::string>> Group::Get(Family family, const std::string& key) const {
  const auto& rows = rows_[At(family)];
  const auto found = rows.find(key);
  if (found != rows.end()) return found->second;
  return engine_->Get(At(family), key);
}

void Group::Put(Family family, std::string key, std::string row) {
  rows_[At(family)].insert_or_assign(std::move(key), std::move(row));
}

void Group::Delete(Family family, std::string key) { rows_[At(family)].insert_or_assign(std::move(key), std::nullopt); }

void Group::PutUnread(Family family, std::string_view key, std::string_view row) { unit_->Put(At(family), key, row); }

void Group::PutUnread(Family family, std::string_view key, std::span<const std::string_view> row_parts) {
  unit_->Put(At(family), key, row_parts);
}

void Group::DeleteRange(Family family, const format::KeyRange& range) {
  if (range.begin < range.end) unit_->DeleteRange(At(family), range.begin, range.end);
}

absl::Status Group::Write(bool sync) {
  AddJobRows();
  AddSumsRows();
  for (size_t family = 0; family < rows_.size(); ++family) {
    for (const auto& [key, row] : rows_[family]) {
      if (row.has_value()) {
        unit_->Put(family, key, *row);
      } else {
        unit_->Delete(family, key);
      }
    }
  }
  absl::Status written = unit_->empty() ? absl::OkStatus() : engine_->Write(*unit_, sync);
  if (written.ok()) {
    table_->Settle(touched_, ended_);
  } else {
    table_->Revert(touched_);
  }
  return written;
}

void Group::Touch(LaneJob* job) {
  if (job->touched) return;
  job->touched = true;
  touched_.push_back(job);
}

void Group::AddJobRows() {
  for (LaneJob* job : touched_) {
    if (job->job == job->durable) continue;
    const model::JobKey key = job->job->key();
    if (job->durable == nullptr || job->definition_changed) {
      PutUnread(Family::kJobs, format::JobDefinitionKey(key), format::EncodeJobDefinition(*job->job));
    }
    PutUnread(Family::kJobs, format::JobProgressKey(key), format::EncodeJobProgress(*job->job));
    if (job->statistics_changed) {
      PutUnread(Family::kStatistics, format::StatisticsKey(key), format::EncodeRunStatistics(*job->statistics));
    }
    for (const std::string& fingerprint : job->changed_groups) {
      PutUnread(Family::kExceptions, format::ExceptionGroupKey(key, fingerprint),
                format::EncodeExceptionGroup(job->groups->at(fingerprint)));
    }
  }
}

void Group::AddSumsRows() {
  for (const auto& [service, sums] : ended_) {
    if (model::JobCount(sums) > 0) {
      Put(Family::kIndex, format::EndedSumsKey(service), format::EncodeJobSums(sums));
    } else {
      Delete(Family::kIndex, format::EndedSumsKey(service));
    }
  }
}

}  // namespace millrace::store
