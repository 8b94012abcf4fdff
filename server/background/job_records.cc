#include "server/background/job_records.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/core/record_lines.h"
#include "server/core/source_job.h"
#include "storage/model/limits.h"
#include "storage/model/repeats.h"

namespace millrace::background {
namespace {

// What is held in memory of the other job, unless a single result or record is larger.
constexpr int64_t kReadBytesMax = model::kSourcePieceBytes;
constexpr int32_t kReadMax = 100;

class JobRecords : public SourceRecords {
 public:
  absl::Status CheckUnchanged() override { return core::FindSourceJob(store_, key_.tenant, source_).status(); }

 protected:
  JobRecords(const model::Job& job, const store::JobStore& store)
      : SourceRecords(job.source_position), source_(job.source), key_{job.tenant, source_.job_id}, store_(store) {}

  const model::JobSource source_;
  /// Of the other job.
  const model::JobKey key_;
  const store::JobStore& store_;
};

/// Outputs, in the order of the results: of each record the latest. Those that were run again since have newer ones.
class ResultRecords final : public JobRecords {
 public:
  ResultRecords(const model::Job& job, const store::JobStore& store)
      : JobRecords(job, store), opened_(position_.offset) {}

  absl::StatusOr<Found> Next(std::string& line) override {
    if (IsSampleOver(source_.sample)) return Found::kEnd;
    for (;;) {
      const absl::StatusOr<bool> open = OpenResult();
      if (!open.ok()) return open.status();
      if (!*open) return Found::kEnd;
      while (position_.line < static_cast<int64_t>(lines_.size())) {
        const std::string_view outputs = lines_[static_cast<size_t>(position_.line++)];
        if (outputs == "null" || IsRepeated(position_.line - 1)) continue;
        line = outputs;
        return Count(source_.sample);
      }
      position_.offset = results_[at_].number;
      position_.line = 0;
      ++at_;
      lines_.clear();
    }
  }

  /// A large result would be read and split again with each piece.
  bool is_worth_keeping() const override { return true; }

  bool GoBackTo(const model::SourcePosition& position) override {
    if (position.offset < opened_) return false;
    at_ = 0;
    while (at_ < results_.size() && results_[at_].number <= position.offset) ++at_;
    lines_.clear();
    position_ = position;
    return true;
  }

 private:
  /// Sees to it that the lines of the result behind `position_.offset` are at hand. False at the end.
  absl::StatusOr<bool> OpenResult() {
    if (!lines_.empty()) return true;
    if (at_ == results_.size()) {
      if (position_.offset >= source_.last) return false;
      absl::StatusOr<std::vector<model::ChunkResult>> results =
          store_.ReadResults(key_, position_.offset, kReadMax, kReadBytesMax);
      if (!results.ok()) return results.status();
      opened_ = position_.offset;
      results_ = *std::move(results);
      at_ = 0;
    }
    if (results_.empty() || results_[at_].number > source_.last) return false;
    lines_ = core::LinesOf(results_[at_].json_lines);
    if (absl::Status read = ReadRepeats(results_[at_]); !read.ok()) return read;
    return true;
  }

  /// Which records of a chunk were run again, with a result among those that are read here.
  absl::Status ReadRepeats(const model::ChunkResult& result) {
    repeats_.clear();
    const absl::StatusOr<model::JobPtr> job = store_.GetJob(key_);
    if (!job.ok() || (*job)->counters.records_repeated == 0) return job.status();
    absl::StatusOr<std::vector<model::Chunk>> repeats = store_.ListRepeats(key_, result.sequence);
    if (!repeats.ok()) return repeats.status();
    std::erase_if(*repeats, [&](const model::Chunk& repeat) {
      return repeat.state != model::ChunkState::kCommitted || repeat.result_number > source_.last;
    });
    repeats_ = model::RepeatsOf(*repeats, result.record_count);
    return absl::OkStatus();
  }

  bool IsRepeated(int64_t line) const {
    const auto index = static_cast<size_t>(line);
    return index < repeats_.size() && repeats_[index].has_value();
  }

  /// Those behind the result with the number `opened_`.
  std::vector<model::ChunkResult> results_;
  int64_t opened_;
  /// The result that is being read, and its lines; empty before that.
  size_t at_ = 0;
  std::vector<std::string_view> lines_;
  /// For each of its records the one that stands for it; empty: none has any.
  std::vector<std::optional<model::RecordPlace>> repeats_;
};

/// Inputs that failed, in push order.
class ExceptionRecords final : public JobRecords {
 public:
  ExceptionRecords(const model::Job& job, const store::JobStore& store) : JobRecords(job, store) {
    query_.job = key_;
    query_.fingerprint = source_.fingerprint;
    query_.states = {model::ExceptionState::kUnresolved};
    query_.page_size = kReadMax;
    query_.bytes_max = kReadBytesMax;
  }

  absl::StatusOr<Found> Next(std::string& line) override {
    if (IsSampleOver(source_.sample)) return Found::kEnd;
    if (next_ == exceptions_.size()) {
      query_.after = {position_.offset, static_cast<int32_t>(position_.line)};
      absl::StatusOr<store::Page<model::RecordException>> page = store_.ListExceptions(query_);
      if (!page.ok()) return page.status();
      exceptions_ = std::move(page->items);
      next_ = 0;
    }
    if (exceptions_.empty() || exceptions_[next_].sequence > source_.last) return Found::kEnd;
    model::RecordException& exception = exceptions_[next_++];
    position_.offset = exception.sequence;
    position_.line = exception.index;
    line = std::move(exception.input);
    return Count(source_.sample);
  }

 private:
  store::ListExceptionsQuery query_;
  std::vector<model::RecordException> exceptions_;
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<SourceRecords> OpenJobRecords(const model::Job& job, const store::JobStore& store) {
  if (job.source.kind == model::SourceKind::kResults) return std::make_unique<ResultRecords>(job, store);
  return std::make_unique<ExceptionRecords>(job, store);
}

}  // namespace millrace::background
