#include "storage/store/rocks_sums.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "storage/format/key_text.h"
#include "storage/format/rows.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
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

absl::StatusOr<EndedSumsMap> CountEndedJobs(const engine::Engine& engine) {
  EndedSumsMap ended;
  const format::KeyRange all{"", std::string(64, '\xff')};
  const auto cursor = Scan(engine, Family::kJobs, all);
  for (; cursor->valid(); cursor->Next()) {
    const absl::StatusOr<format::KeyText> key = format::ReadKey(Family::kJobs, cursor->key());
    if (!key.ok()) return key.status();
    if (key->kind != "job definition") continue;
    const absl::StatusOr<model::JobPtr> job = LoadJob(engine, key->job);
    // A damaged job is not counted; whoever asks for it hears of the damage.
    if (model::HasReason(job.status(), model::Reason::kStorageCorrupt)) continue;
    if (!job.ok()) return job.status();
    if (model::IsFinal((*job)->state)) model::AddJob(ended[{(*job)->tenant, (*job)->service}], **job);
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return ended;
}

absl::Status RewriteEndedSums(const engine::Engine& engine, engine::WriteUnit& unit) {
  const absl::StatusOr<EndedSumsMap> ended = CountEndedJobs(engine);
  if (!ended.ok()) return ended.status();
  const format::KeyRange range = format::EndedSums();
  unit.DeleteRange(At(Family::kIndex), range.begin, range.end);
  for (const auto& [service, sums] : ended) {
    unit.Put(At(Family::kIndex), format::EndedSumsKey(service), format::EncodeJobSums(sums));
  }
  return absl::OkStatus();
}

}  // namespace millrace::store
