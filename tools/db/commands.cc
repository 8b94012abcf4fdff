#include "tools/db/commands.h"

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/format/key_text.h"
#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/maintenance/audit.h"
#include "storage/maintenance/backup.h"
#include "storage/maintenance/open_folder.h"
#include "storage/model/errors.h"
#include "storage/model/ids.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_rows.h"

namespace millrace::db {
namespace {

namespace fs = std::filesystem;
using format::Family;
using Engine = std::unique_ptr<engine::Engine>;

const format::KeyRange kAll{"", std::string(64, '\xff')};

/// A command that reads says no where there is nothing, rather than making it.
absl::StatusOr<Engine> OpenExisting(const std::string& folder) {
  std::error_code error;
  const bool exists = fs::exists(fs::path(folder) / "CURRENT", error);
  if (error) {
    return model::MakeError(model::Reason::kStorageFailed,
                            absl::StrCat("cannot look into ", folder, ": ", error.message()));
  }
  if (!exists) {
    return model::MakeError(model::Reason::kStorageFailed, absl::StrCat(folder, " is no data folder of Millrace"));
  }
  return maintenance::OpenDataFolder(folder);
}

ExitCode Report(const maintenance::AuditReport& report, const Environment& world) {
  world.out << report.jobs << " jobs, " << report.rows << " rows read\n";
  if (report.unknown_rows > 0) {
    world.out << report.unknown_rows << " rows are of a newer version and were not checked\n";
  }
  if (report.lost_inputs > 0) {
    world.out << report.lost_inputs
              << " chunks lost their input; the server knows, and their records are exceptions, INPUT_LOST\n";
  }
  if (report.sound()) {
    world.out << "sound: every row decodes, and all sums and references are right\n";
    return kOk;
  }
  for (const maintenance::AuditFinding& finding : report.findings) {
    world.out << "wrong: " << finding.where << ": " << finding.what << "\n";
  }
  world.out
      << report.finding_count << " findings"
      << (report.finding_count > static_cast<int64_t>(report.findings.size()) ? ", the first of them above" : "")
      << "\nWhat to do: keep this folder as it is, check the disk (smartctl, dmesg), and restore the newest backup\n"
         "that verifies with `millrace-db restore`. What was acknowledged after that backup must be pushed again.\n";
  return kUnsound;
}

/// True for the keys that `--job` asks for.
bool Matches(const std::string& wanted, const model::JobKey& job) {
  if (wanted.empty()) return true;
  const size_t slash = wanted.find('/');
  if (job.tenant != wanted.substr(0, slash)) return false;
  return slash == std::string::npos || slash + 1 == wanted.size() || job.job_id == wanted.substr(slash + 1);
}

}  // namespace

absl::StatusOr<ExitCode> Stats(const std::string& folder, const Environment& world) {
  const absl::StatusOr<Engine> engine = OpenExisting(folder);
  if (!engine.ok()) return engine.status();
  world.out << std::left << std::setw(12) << "family" << std::right << std::setw(14) << "rows" << std::setw(18)
            << "key bytes" << std::setw(18) << "row bytes"
            << "\n";
  std::map<model::JobState, int64_t> states;
  for (size_t family = 0; family < format::kFamilies.size(); ++family) {
    int64_t rows = 0, key_bytes = 0, row_bytes = 0;
    const auto cursor = store::Scan(**engine, static_cast<Family>(family), kAll);
    for (; cursor->valid(); cursor->Next()) {
      rows += 1;
      key_bytes += static_cast<int64_t>(cursor->key().size());
      row_bytes += static_cast<int64_t>(cursor->value().size());
      if (static_cast<Family>(family) != Family::kJobs) continue;
      const auto key = format::ReadKey(Family::kJobs, cursor->key());
      if (!key.ok() || key->kind != "job definition") continue;
      const absl::StatusOr<model::JobPtr> job = store::LoadJob(**engine, key->job);
      if (job.ok()) states[(*job)->state] += 1;
    }
    if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
    world.out << std::left << std::setw(12) << std::string(format::kFamilies[family].name) << std::right
              << std::setw(14) << rows << std::setw(18) << key_bytes << std::setw(18) << row_bytes << "\n";
  }
  world.out << "\n";
  for (const auto& [state, count] : states) {
    world.out << std::left << std::setw(22) << absl::StrCat("jobs ", std::string(model::JobStateName(state)))
              << std::right << std::setw(8) << count << "\n";
  }
  const engine::EngineStatistics statistics = (*engine)->Statistics();
  world.out << "\nsorted files: " << statistics.file_bytes << " bytes, of which " << statistics.compaction_pending_bytes
            << " must still be compacted\n";
  return kOk;
}

absl::StatusOr<ExitCode> Scan(const ScanQuery& query, const Environment& world) {
  const auto known = [&](const format::FamilyTraits& family) { return family.name == query.family; };
  if (!query.family.empty() && std::none_of(format::kFamilies.begin(), format::kFamilies.end(), known)) {
    std::string names;
    for (const format::FamilyTraits& family : format::kFamilies) absl::StrAppend(&names, " ", std::string(family.name));
    return model::FieldError("--family", absl::StrCat("expected one of", names));
  }
  const absl::StatusOr<Engine> engine = OpenExisting(query.folder);
  if (!engine.ok()) return engine.status();
  int64_t listed = 0;
  ExitCode code = kOk;
  for (size_t family = 0; family < format::kFamilies.size(); ++family) {
    const std::string name(format::kFamilies[family].name);
    if (!query.family.empty() && query.family != name) continue;
    const auto cursor = store::Scan(**engine, static_cast<Family>(family), kAll);
    for (; cursor->valid(); cursor->Next()) {
      const auto key = format::ReadKey(static_cast<Family>(family), cursor->key());
      if (key.ok() && !Matches(query.job, key->job)) continue;
      if (listed == query.limit) {
        world.out << "more follows: raise --limit, or ask for one --family or --job\n";
        return code;
      }
      listed += 1;
      if (!key.ok()) code = kUnsound;
      world.out << name << "  " << (key.ok() ? ToString(*key) : std::string(key.status().message())) << "  "
                << cursor->value().size() << " bytes\n";
    }
    if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  }
  return code;
}

absl::StatusOr<ExitCode> Verify(const std::string& folder, bool is_backup, const Environment& world) {
  if (is_backup) {
    const auto info = maintenance::CheckBackup(folder);
    if (!info.ok()) {
      if (!model::HasReason(info.status(), model::Reason::kBackupUnsound)) return info.status();
      world.out << "wrong: " << std::string(info.status().message()) << "\n";
      return kUnsound;
    }
    world.out << "backup of " << absl::FormatTime(absl::RFC3339_sec, info->create_time, absl::UTCTimeZone()) << ": "
              << info->files << " files, " << info->bytes << " bytes, all as they were written\n";
  }
  const absl::StatusOr<Engine> engine =
      is_backup ? maintenance::OpenBackupData(fs::path(folder) / "data") : OpenExisting(folder);
  if (!engine.ok()) return engine.status();
  const absl::StatusOr<maintenance::AuditReport> report = maintenance::Audit(**engine);
  if (!report.ok()) return report.status();
  return Report(*report, world);
}

absl::StatusOr<ExitCode> Backup(const std::string& folder, const std::string& backup, const Environment& world) {
  // Looking comes first: opening a folder to write would make one that is not there.
  if (const absl::StatusOr<Engine> engine = OpenExisting(folder); !engine.ok()) return engine.status();
  model::IdGenerator ids(&world.clock, world.random_seed);
  const auto info =
      maintenance::CreateBackup([&](const fs::path& to) { return maintenance::CheckpointFolder(folder, to); }, backup,
                                ids.Next(), world.clock.Now());
  if (!info.ok()) return info.status();
  world.out << "backup " << info->folder.string() << ": " << info->jobs << " jobs, " << info->files << " files, "
            << info->bytes << " bytes, verified\n";
  return kOk;
}

absl::StatusOr<ExitCode> Restore(const std::string& backup, const std::string& folder, const Environment& world) {
  const auto info = maintenance::RestoreBackup(backup, folder);
  if (!info.ok()) return info.status();
  world.out << "restored " << folder << " as it was at "
            << absl::FormatTime(absl::RFC3339_sec, info->create_time, absl::UTCTimeZone()) << ": " << info->files
            << " files, " << info->bytes << " bytes\n";
  return kOk;
}

}  // namespace millrace::db
