#include "storage/maintenance/audit_repeats.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/maintenance/audit_rows.h"
#include "storage/store/rocks_rows.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using model::Chunk;

class RepeatsAudit : private JobAuditRows {
 public:
  RepeatsAudit(const engine::Engine& engine, const model::Job& job, AuditReport& report)
      : JobAuditRows(engine, job, report) {}

  absl::Status Run(const std::vector<Chunk>& repeating) {
    int64_t repeated = 0;
    for (const Chunk& chunk : repeating) {
      if (absl::Status checked = Check(chunk); !checked.ok()) return checked;
      by_repeated_[chunk.repeats.front().sequence].push_back(chunk.sequence);
      if (chunk.state == model::ChunkState::kCommitted) repeated += chunk.record_count;
    }
    if (job_.counters.records_repeated != repeated) {
      Find(absl::StrCat("its count of repeated records is ", job_.counters.records_repeated, ", but its rows give ",
                        repeated));
    }
    return CheckIndex();
  }

 private:
  absl::Status Check(const Chunk& chunk) {
    const int64_t repeated = chunk.repeats.front().sequence;
    const auto row = engine_.Get(store::At(Family::kChunks), format::ChunkKey(key_, repeated));
    if (!row.ok()) return row.status();
    const absl::StatusOr<Chunk> earlier = format::DecodeChunk(repeated, row->value_or(""));
    bool is_sound = earlier.ok() && earlier->state == model::ChunkState::kCommitted && chunk.replaces.empty() &&
                    model::CountOf(chunk.repeats) == chunk.record_count;
    for (const model::RecordRun& run : chunk.repeats) {
      is_sound = is_sound && run.sequence == repeated && run.first >= 0 &&
                 run.first + run.count <= earlier->record_count && Claim(run);
    }
    if (is_sound) return absl::OkStatus();
    report_.Add(absl::StrCat("chunk ", key_.tenant, "/", key_.job_id, " ", chunk.sequence),
                absl::StrCat("its records are not records of chunk ", repeated, " which no other chunk repeats"));
    return absl::OkStatus();
  }

  /// False where one of the records is taken.
  bool Claim(const model::RecordRun& run) {
    bool is_free = true;
    for (int32_t index = run.first; index < run.first + run.count; ++index) {
      is_free = claimed_[run.sequence].insert(index).second && is_free;
    }
    return is_free;
  }

  absl::Status CheckIndex() {
    const auto check = [&](std::string_view key, std::string_view row) {
      const std::optional<int64_t> sequence = format::ParseNumber(key);
      const absl::StatusOr<std::vector<int64_t>> listed = format::DecodeRepeats(row);
      const auto repeats = by_repeated_.extract(sequence.value_or(0));
      if (listed.ok() && !repeats.empty() && repeats.mapped() == *listed) return;
      Find(absl::StrCat("the index does not say which chunks repeat records of chunk ", sequence.value_or(0)));
    };
    if (absl::Status walked = Each(Family::kIndex, format::Repeats(key_), check); !walked.ok()) return walked;
    for (const auto& [sequence, repeats] : by_repeated_) {
      Find(absl::StrCat("the index does not know that records of chunk ", sequence, " are repeated"));
    }
    return absl::OkStatus();
  }

  std::map<int64_t, std::vector<int64_t>> by_repeated_;
  /// Records that a chunk repeats, by the sequence of their own.
  std::map<int64_t, std::set<int32_t>> claimed_;
};

}  // namespace

absl::Status AuditRepeats(const engine::Engine& engine, const model::Job& job,
                          const std::vector<model::Chunk>& repeating, AuditReport& report) {
  return RepeatsAudit(engine, job, report).Run(repeating);
}

}  // namespace millrace::maintenance
