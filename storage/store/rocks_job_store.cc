#include "storage/store/rocks_job_store.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/model/errors.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/rocks_sums.h"

namespace millrace::store {
namespace {

using format::Family;

/// A number of `meta`; 0 when it is not there.
absl::StatusOr<int64_t> ReadMeta(const engine::Engine& engine, std::string_view key) {
  const auto row = engine.Get(At(Family::kMeta), key);
  if (!row.ok()) return row.status();
  return row->has_value() ? format::DecodeMetaNumber(**row) : absl::StatusOr<int64_t>(0);
}

/// An error of the opened folder, which does not know its name, under that name.
absl::Status WhileOpening(const absl::Status& status, const std::string& folder) {
  const model::ErrorDetails details = model::DetailsOf(status);
  const absl::Status named = model::MakeError(
      details.reason, absl::StrCat("data folder ", folder, " cannot be opened: ", std::string(status.message())),
      {{"folder", folder}});
  return details.retry_after > absl::ZeroDuration() ? model::WithRetryAfter(named, details.retry_after) : named;
}

struct Raised {
  int64_t epoch = 0;
  EndedSumsMap ended;
};

/// A commit that was leased before the store was closed or killed is told apart from now on. Counts and lists the
/// ended jobs anew where a server had the folder last that did not.
absl::StatusOr<Raised> RaiseEpoch(engine::Engine& engine) {
  const absl::StatusOr<int64_t> before = ReadMeta(engine, format::kEpochKey);
  if (!before.ok()) return before.status();
  const absl::StatusOr<int64_t> summed = ReadMeta(engine, format::kSumsEpochKey);
  if (!summed.ok()) return summed.status();
  const absl::StatusOr<int64_t> listed = ReadMeta(engine, format::kEndsEpochKey);
  if (!listed.ok()) return listed.status();
  const int64_t epoch = *before + 1;
  const std::unique_ptr<engine::WriteUnit> unit = engine.NewUnit();
  absl::StatusOr<EndedSumsMap> ended = LoadEndedSums(engine);
  // Sums whose rows are damaged can always be counted again.
  const bool damaged = model::HasReason(ended.status(), model::Reason::kStorageCorrupt);
  if (*summed != *before || *listed != *before || damaged) ended = RewriteEnded(engine, *unit);
  if (!ended.ok()) return ended.status();
  unit->Put(At(Family::kMeta), format::kEndsEpochKey, format::EncodeMetaNumber(epoch));
  unit->Put(At(Family::kMeta), format::kSumsEpochKey, format::EncodeMetaNumber(epoch));
  unit->Put(At(Family::kMeta), format::kFormatVersionKey, format::EncodeMetaNumber(format::kFormatVersion));
  unit->Put(At(Family::kMeta), format::kEpochKey, format::EncodeMetaNumber(epoch));
  if (absl::Status written = engine.Write(*unit, true); !written.ok()) return written;
  return Raised{epoch, *std::move(ended)};
}

absl::StatusOr<std::vector<model::JobPtr>> LoadUnfinished(const engine::Engine& engine, int64_t epoch) {
  std::vector<model::JobPtr> jobs;
  const auto cursor = Scan(engine, Family::kIndex, format::UnfinishedJobs());
  for (; cursor->valid(); cursor->Next()) {
    const std::optional<model::JobKey> key = format::ParseUnfinishedJob(cursor->key());
    if (!key.has_value()) return CorruptKey();
    const absl::StatusOr<model::JobPtr> stored = LoadJob(engine, *key);
    if (!stored.ok()) return stored.status();
    // Whoever opened the store owns its unfinished jobs; the row learns of it when it is next written.
    model::Job job = **stored;
    job.owner_epoch = epoch;
    jobs.push_back(std::make_shared<const model::Job>(std::move(job)));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return jobs;
}

}  // namespace

absl::Status CheckFormat(const engine::Engine& engine, const std::string& folder) {
  const absl::StatusOr<int64_t> version = ReadMeta(engine, format::kFormatVersionKey);
  if (!version.ok()) return WhileOpening(version.status(), folder);
  if (*version <= format::kFormatVersion) return absl::OkStatus();
  return model::MakeError(
      model::Reason::kStorageFailed,
      absl::StrCat("data folder ", folder, " was written by format ", *version, ", this server reads up to ",
                   format::kFormatVersion, "; use a newer millraced"),
      {{"folder", folder}, {"format", absl::StrCat(*version)}, {"newest", absl::StrCat(format::kFormatVersion)}});
}

engine::EngineOptions EngineOptionsOf(const RocksJobStoreOptions& options) {
  engine::EngineOptions engine_options;
  engine_options.folder = options.folder;
  engine_options.block_cache_bytes = options.block_cache_bytes;
  for (const format::FamilyTraits& family : format::kFamilies) {
    engine_options.families.push_back({std::string(family.name), family.payloads, family.sought_in_vain});
  }
  return engine_options;
}

RocksJobStore::RocksJobStore(const RocksJobStoreOptions& options, std::unique_ptr<engine::Engine> engine, int64_t epoch,
                             const std::vector<model::JobPtr>& unfinished, EndedSumsMap ended)
    : engine_(std::move(engine)),
      clock_(options.clock),
      epoch_(epoch),
      table_(unfinished, std::move(ended)),
      lane_(engine_.get(), &table_, clock_, options.sync) {}

StoreStatistics RocksJobStore::Statistics() const {
  StoreStatistics statistics = lane_.Statistics();
  statistics.engine = engine_->Statistics();
  return statistics;
}

absl::StatusOr<std::unique_ptr<JobStore>> OpenRocksJobStoreOn(const RocksJobStoreOptions& options,
                                                              std::unique_ptr<engine::Engine> engine) {
  if (absl::Status checked = CheckFormat(*engine, options.folder.string()); !checked.ok()) return checked;
  absl::StatusOr<Raised> raised = RaiseEpoch(*engine);
  if (!raised.ok()) return WhileOpening(raised.status(), options.folder.string());
  const absl::StatusOr<std::vector<model::JobPtr>> unfinished = LoadUnfinished(*engine, raised->epoch);
  if (!unfinished.ok()) return WhileOpening(unfinished.status(), options.folder.string());
  return std::make_unique<RocksJobStore>(options, std::move(engine), raised->epoch, *unfinished,
                                         std::move(raised->ended));
}

absl::StatusOr<std::unique_ptr<JobStore>> OpenRocksJobStore(const RocksJobStoreOptions& options) {
  absl::StatusOr<std::unique_ptr<engine::Engine>> engine = engine::OpenEngine(EngineOptionsOf(options));
  if (!engine.ok()) return engine.status();
  return OpenRocksJobStoreOn(options, *std::move(engine));
}

}  // namespace millrace::store
