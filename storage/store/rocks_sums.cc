#include "storage/store/rocks_sums.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/format/key_text.h"
#include "storage/format/rows.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/retention_rules.h"
#include "storage/store/rocks_rows.h"

namespace millrace::store {

using format::Family;

absl::StatusOr<EndedSumsMap> LoadEndedSums(const engine::Engine& engine) {
  EndedSumsMap ended;
  const auto cursor = Scan(engine, Family::kIndex, format::EndedSums());
  for (; cursor->valid(); cursor->Next()) {
    std::optional<format::TenantService> service = format::ParseEndedSums(cursor->key());
    if (!service.has_value()) return CorruptKey();
    absl::StatusOr<model::JobSums> sums = format::DecodeJobSums(cursor->value());
    if (!sums.ok()) return sums.status();
    ended.emplace(*std::move(service), *std::move(sums));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return ended;
}

namespace {

/// Calls `see` with each job that has ended and can be read.
template <class See>
absl::Status ForEachEnded(const engine::Engine& engine, const See& see) {
  const format::KeyRange all{"", std::string(64, '\xff')};
  const auto cursor = Scan(engine, Family::kJobs, all);
  for (; cursor->valid(); cursor->Next()) {
    const absl::StatusOr<format::KeyText> key = format::ReadKey(Family::kJobs, cursor->key());
    if (!key.ok()) return key.status();
    if (key->kind != "job definition") continue;
    const absl::StatusOr<model::JobPtr> job = LoadJob(engine, key->job);
    // A damaged job is passed over; whoever asks for it hears of the damage.
    if (model::HasReason(job.status(), model::Reason::kStorageCorrupt)) continue;
    if (!job.ok()) return job.status();
    if (model::IsFinal((*job)->state)) see(**job);
  }
  return cursor->status();
}

void AddTo(EndedSumsMap& ended, const model::Job& job) { model::AddJob(ended[{job.tenant, job.service}], job); }

}  // namespace

absl::StatusOr<EndedSumsMap> CountEndedJobs(const engine::Engine& engine) {
  EndedSumsMap ended;
  absl::Status walked = ForEachEnded(engine, [&](const model::Job& job) { AddTo(ended, job); });
  if (!walked.ok()) return walked;
  return ended;
}

absl::StatusOr<EndedSumsMap> RewriteEnded(const engine::Engine& engine, engine::WriteUnit& unit) {
  EndedSumsMap ended;
  std::set<std::string> tenants;
  std::vector<std::string> list;
  absl::Status walked = ForEachEnded(engine, [&](const model::Job& job) {
    AddTo(ended, job);
    tenants.insert(job.tenant);
    list.push_back(format::JobByEndKey(job.tenant, job.complete_time, job.id));
    const absl::Time expire_time = model::ExpireTime(job);
    if (expire_time != absl::InfiniteFuture()) list.push_back(format::ExpiryKey({expire_time, job.key()}));
  });
  if (!walked.ok()) return walked;
  const format::KeyRange range = format::EndedSums();
  unit.DeleteRange(At(Family::kIndex), range.begin, range.end);
  for (const auto& [service, sums] : ended) {
    unit.Put(At(Family::kIndex), format::EndedSumsKey(service), format::EncodeJobSums(sums));
  }
  for (const std::string& tenant : tenants) {
    const format::KeyRange all = format::JobsEndedSince(tenant, absl::InfinitePast());
    unit.DeleteRange(At(Family::kIndex), all.begin, all.end);
  }
  const format::KeyRange expiries = format::ExpiriesUntil({}, absl::InfiniteFuture());
  unit.DeleteRange(At(Family::kIndex), expiries.begin, expiries.end);
  for (const std::string& key : list) unit.Put(At(Family::kIndex), key, "");
  return ended;
}

}  // namespace millrace::store
