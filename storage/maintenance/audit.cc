#include "storage/maintenance/audit.h"

#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/format/key_text.h"
#include "storage/format/keys.h"
#include "storage/format/notice_rows.h"
#include "storage/format/rows.h"
#include "storage/format/schedule_rows.h"
#include "storage/maintenance/audit_job.h"
#include "storage/maintenance/audit_schedules.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/retention_rules.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/rocks_sums.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using format::KeyText;

/// Every key of every family.
const format::KeyRange kAll{"", std::string(64, '\xff')};

std::string NameOf(const KeyText& key, std::string_view part) {
  for (const auto& [name, value] : key.parts) {
    if (name == part) return value;
  }
  return "";
}

class StoreAudit {
 public:
  explicit StoreAudit(const engine::Engine& engine) : engine_(engine) {}

  absl::StatusOr<AuditReport> Run() {
    if (absl::Status jobs = Jobs(); !jobs.ok()) return jobs;
    for (const Family family :
         {Family::kChunks, Family::kInputs, Family::kResults, Family::kExceptions, Family::kStatistics,
          Family::kServices, Family::kSchedules, Family::kIndex, Family::kMeta}) {
      if (absl::Status keys = Rows(family); !keys.ok()) return keys;
    }
    if (absl::Status schedules = AuditSchedules(engine_, report_); !schedules.ok()) return schedules;
    if (absl::Status sums = Sums(); !sums.ok()) return sums;
    if (absl::Status ends = Ends(); !ends.ok()) return ends;
    return std::move(report_);
  }

 private:
  absl::Status Jobs();
  absl::Status Rows(Family family);
  absl::Status Sums();
  absl::Status Ends();
  void CheckRow(Family family, const KeyText& key, std::string_view row);
  absl::Status CheckTarget(const KeyText& key, std::string_view row);
  absl::Status ExpectRow(Family family, const std::string& target, const KeyText& from);

  const engine::Engine& engine_;
  AuditReport report_;
  std::set<model::JobKey> jobs_;
  /// The keys by which jobs that have ended are to be listed, and those that there are.
  std::set<std::string> ends_;
  std::set<std::string> listed_ends_;
};

absl::Status StoreAudit::Jobs() {
  const auto cursor = store::Scan(engine_, Family::kJobs, kAll);
  for (; cursor->valid(); cursor->Next()) {
    report_.rows += 1;
    const absl::StatusOr<KeyText> key = format::ReadKey(Family::kJobs, cursor->key());
    if (!key.ok()) {
      report_.Add("jobs", std::string(key.status().message()));
      continue;
    }
    if (key->kind == "unknown") report_.unknown_rows += 1;
    if (key->kind == "job progress") {
      const auto definition = engine_.Get(store::At(Family::kJobs), format::JobDefinitionKey(key->job));
      if (!definition.ok()) return definition.status();
      if (!definition->has_value()) report_.Add(ToString(*key), "the job has no definition");
    }
    if (key->kind != "job definition") continue;
    jobs_.insert(key->job);
    report_.jobs += 1;
    const absl::StatusOr<model::JobPtr> job = store::LoadJob(engine_, key->job);
    if (!job.ok() && !model::HasReason(job.status(), model::Reason::kStorageCorrupt)) return job.status();
    if (!job.ok()) {
      report_.Add(ToString(*key), std::string(job.status().message()));
      continue;
    }
    if ((*job)->key() != key->job) report_.Add(ToString(*key), "the row speaks of another job");
    if (model::IsFinal((*job)->state)) {
      ends_.insert(format::JobByEndKey(key->job.tenant, (*job)->complete_time, key->job.job_id));
      const absl::Time expire_time = model::ExpireTime(**job);
      if (expire_time != absl::InfiniteFuture()) ends_.insert(format::ExpiryKey({expire_time, key->job}));
    }
    if (absl::Status audited = AuditJob(engine_, **job, report_); !audited.ok()) return audited;
  }
  return cursor->status();
}

absl::Status StoreAudit::Rows(Family family) {
  // AuditJob has counted the rows of jobs already.
  const bool of_jobs = family == Family::kChunks || family == Family::kInputs || family == Family::kResults;
  const auto cursor = store::Scan(engine_, family, kAll);
  for (; cursor->valid(); cursor->Next()) {
    if (!of_jobs) report_.rows += 1;
    const absl::StatusOr<KeyText> key = format::ReadKey(family, cursor->key());
    if (!key.ok()) {
      report_.Add(std::string(format::kFamilies[store::At(family)].name), std::string(key.status().message()));
    } else if (key->kind == "unknown") {
      report_.unknown_rows += 1;
    } else if (!key->job.job_id.empty() && !jobs_.contains(key->job)) {
      report_.Add(ToString(*key), "it belongs to a job that does not exist");
    } else {
      if (key->kind == "job by end" || key->kind == "expiry") listed_ends_.emplace(cursor->key());
      CheckRow(family, *key, cursor->value());
      if (absl::Status checked = CheckTarget(*key, cursor->value()); !checked.ok()) return checked;
    }
  }
  return cursor->status();
}

/// The sums over ended jobs must be what the jobs add up to, where the last server kept them.
absl::Status StoreAudit::Sums() {
  const auto epoch = engine_.Get(store::At(Family::kMeta), format::kEpochKey);
  if (!epoch.ok()) return epoch.status();
  const auto sums_epoch = engine_.Get(store::At(Family::kMeta), format::kSumsEpochKey);
  if (!sums_epoch.ok()) return sums_epoch.status();
  if (*epoch != *sums_epoch) return absl::OkStatus();
  const absl::StatusOr<store::EndedSumsMap> counted = store::CountEndedJobs(engine_);
  if (!counted.ok()) return counted.status();
  const absl::StatusOr<store::EndedSumsMap> stored = store::LoadEndedSums(engine_);
  if (model::HasReason(stored.status(), model::Reason::kStorageCorrupt)) {
    report_.Add("sums of ended jobs", std::string(stored.status().message()));
  } else if (!stored.ok()) {
    return stored.status();
  } else if (*stored != *counted) {
    report_.Add("sums of ended jobs", "they are not what the jobs add up to");
  }
  return absl::OkStatus();
}

/// The list of jobs by complete time must have each job that has ended, and no other, where the last server kept it.
absl::Status StoreAudit::Ends() {
  const auto epoch = engine_.Get(store::At(Family::kMeta), format::kEpochKey);
  if (!epoch.ok()) return epoch.status();
  const auto ends_epoch = engine_.Get(store::At(Family::kMeta), format::kEndsEpochKey);
  if (!ends_epoch.ok()) return ends_epoch.status();
  if (*epoch != *ends_epoch || ends_ == listed_ends_) return absl::OkStatus();
  const auto report = [&](const std::set<std::string>& keys, const std::set<std::string>& others, const char* what) {
    for (const std::string& key : keys) {
      if (others.contains(key)) continue;
      const absl::StatusOr<KeyText> text = format::ReadKey(Family::kIndex, key);
      if (text.ok()) report_.Add(ToString(*text), what);
    }
  };
  report(ends_, listed_ends_, "the job has ended, but is not listed");
  report(listed_ends_, ends_, "no such job has ended then");
  return absl::OkStatus();
}

void StoreAudit::CheckRow(Family family, const KeyText& key, std::string_view row) {
  absl::Status decoded;
  if (family == Family::kStatistics) decoded = format::DecodeRunStatistics(row).status();
  if (family == Family::kMeta) decoded = format::DecodeMetaNumber(row).status();
  if (family == Family::kServices) {
    const auto version = format::DecodeServiceVersion(row);
    decoded = version.status();
    if (version.ok() && version->service != NameOf(key, "service")) {
      decoded = absl::DataLossError("the row speaks of another service");
    }
  }
  if (key.kind == "schedule definition") decoded = format::DecodeSchedule(row, "").status();
  if (key.kind == "schedule progress") decoded = format::DecodeScheduleProgress(row);
  if (key.kind == "schedule run") decoded = format::DecodeScheduleRun(row).status();
  if (key.kind == "notice") decoded = format::DecodeNotice(0, row).status();
  if (!decoded.ok()) report_.Add(ToString(key), std::string(decoded.message()));
}

/// What an index row leads to must be there.
absl::Status StoreAudit::CheckTarget(const KeyText& key, std::string_view row) {
  if (key.kind == "request id" || key.kind == "unique key") {
    const auto indexed = format::DecodeIndexedJob(row);
    if (!indexed.ok()) {
      report_.Add(ToString(key), std::string(indexed.status().message()));
    } else if (!jobs_.contains({key.job.tenant, indexed->job_id})) {
      report_.Add(ToString(key), absl::StrCat("it leads to job ", indexed->job_id, ", which does not exist"));
    }
  } else if (key.kind == "job by time" && !jobs_.contains({key.job.tenant, NameOf(key, "job_id")})) {
    report_.Add(ToString(key), "it leads to a job that does not exist");
  } else if (key.kind == "schedule progress" || key.kind == "schedule run") {
    const model::ScheduleKey schedule{key.job.tenant, NameOf(key, "schedule_id")};
    return ExpectRow(Family::kSchedules, format::ScheduleDefinitionKey(schedule), key);
  } else if (key.kind == "version id") {
    const auto indexed = format::DecodeIndexedVersion(row);
    if (!indexed.ok()) {
      report_.Add(ToString(key), std::string(indexed.status().message()));
      return absl::OkStatus();
    }
    return ExpectRow(Family::kServices, format::ServiceVersionKey(key.job.tenant, indexed->service, indexed->version),
                     key);
  }
  return absl::OkStatus();
}

absl::Status StoreAudit::ExpectRow(Family family, const std::string& target, const KeyText& from) {
  const auto row = engine_.Get(store::At(family), target);
  if (!row.ok()) return row.status();
  if (!row->has_value()) report_.Add(ToString(from), "what it leads to does not exist");
  return absl::OkStatus();
}

}  // namespace

void AuditReport::Add(std::string where, std::string what) {
  finding_count += 1;
  if (findings.size() < kFindingsMax) findings.push_back({std::move(where), std::move(what)});
}

absl::StatusOr<AuditReport> Audit(const engine::Engine& engine) { return StoreAudit(engine).Run(); }

}  // namespace millrace::maintenance
