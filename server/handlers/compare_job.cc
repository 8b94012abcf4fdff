#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "server/core/output_comparison.h"
#include "server/core/record_lines.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/record_lister.h"
#include "server/handlers/source.h"
#include "server/handlers/validate.h"
#include "storage/model/built_in.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"
#include "storage/model/source.h"

namespace millrace::handlers {
namespace {

/// The code that the records are run under, for this call alone.
struct Candidate {
  std::unique_ptr<core::ServiceRunner> runner;
  std::string config_hash;
};

absl::StatusOr<Candidate> ReadCandidate(const v1::CompareJobRequest& request, const model::Job& job, const Call& call,
                                        const Deps& deps) {
  if (request.service_version().empty() == request.definition().empty()) {
    return model::FieldError("service_version", "expected exactly one of service_version and definition");
  }
  std::string text = request.definition();
  if (text.empty()) {
    const model::ServiceReference reference{job.service, request.service_version(), ""};
    absl::StatusOr<model::ServiceVersion> stored = deps.store.GetServiceVersion(call.principal.tenant, reference);
    if (!stored.ok()) return stored.status();
    text = std::move(stored->definition);
  } else if (absl::Status fits = ValidateText("definition", text, model::kDefinitionBytesMax); !fits.ok()) {
    return fits;
  }
  absl::StatusOr<core::PlannedService> planned = core::PlanDefinition(deps.compiler, text);
  if (!planned.ok()) return planned.status();
  absl::StatusOr<std::unique_ptr<core::ServiceRunner>> runner = deps.compiler.MakeRunner(planned->plan);
  if (!runner.ok()) return runner.status();
  return Candidate{.runner = *std::move(runner), .config_hash = std::move(planned->config_hash)};
}

/// The tolerances of a request: one for each field, others for the rest.
class Tolerances {
 public:
  static absl::StatusOr<Tolerances> Read(const v1::CompareJobRequest& request) {
    Tolerances tolerances;
    if (!IsTolerance(request.tolerance())) return Wrong("tolerance");
    if (!IsTolerance(request.relative_tolerance())) return Wrong("relative_tolerance");
    tolerances.others_ = {request.tolerance(), request.relative_tolerance()};
    for (const auto& [path, tolerance] : request.field_tolerances()) {
      if (!IsTolerance(tolerance)) return Wrong(absl::StrCat("field_tolerances[", path, "]"));
      tolerances.fields_[path] = tolerance;
    }
    return tolerances;
  }

  core::Tolerance Of(std::string_view path) const {
    const auto found = fields_.find(path);
    return found == fields_.end() ? others_ : core::Tolerance{.absolute = found->second};
  }

 private:
  static bool IsTolerance(double value) { return std::isfinite(value) && value >= 0; }
  static absl::Status Wrong(std::string_view field) { return model::FieldError(field, "expected 0 or more"); }

  core::Tolerance others_;
  std::map<std::string, double, std::less<>> fields_;
};

/// `NODE: CODE: MESSAGE`, without the node where the record failed before any of them ran.
std::string ErrorText(const std::string& node, const std::string& code, const std::string& message) {
  return absl::StrCat(node, node.empty() ? "" : ": ", code, ": ", message);
}

/// Adds up what differs.
class Report {
 public:
  Report(const Tolerances& tolerances, int32_t differences_max)
      : tolerances_(tolerances), differences_max_(differences_max) {}

  /// Of a record that has outputs under both.
  absl::Status AddOutputs(const v1::Record& record, std::string_view after) {
    response_.set_records_compared(response_.records_compared() + 1);
    if (record.outputs() == after) return AddSame();
    const auto was = core::ParseJsonObject(record.outputs());
    if (!was.ok()) return was.status();
    const auto is = core::ParseJsonObject(after);
    if (!is.ok()) return is.status();
    const std::vector<core::FieldDifference> differences =
        core::CompareOutputs(*was, *is, [this](std::string_view path) { return tolerances_.Of(path); });
    if (differences.empty()) return AddSame();
    response_.set_records_different(response_.records_different() + 1);
    std::string last_path;
    for (const core::FieldDifference& difference : differences) {
      v1::FieldComparison& field = fields_[difference.path];
      // Of the elements of a list, the record counts once.
      if (difference.path != last_path) field.set_records_different(field.records_different() + 1);
      field.set_largest_difference(std::max(field.largest_difference(), difference.distance));
      last_path = difference.path;
    }
    v1::RecordDifference* const shown = Show(record);
    if (shown == nullptr) return absl::OkStatus();
    for (const core::FieldDifference& difference : differences) {
      v1::FieldDifference& field = *shown->add_fields();
      field.set_path(difference.path);
      field.set_before(difference.before);
      field.set_after(difference.after);
    }
    return absl::OkStatus();
  }

  /// Of a record that has outputs under one of both, or under none. Null: it has outputs after all.
  void AddFailure(const v1::Record& record, const model::RecordFailure* after) {
    response_.set_records_compared(response_.records_compared() + 1);
    const bool failed = record.state() != v1::RECORD_STATE_COMPLETED;
    if (failed && after != nullptr) return response_.set_records_failing(response_.records_failing() + 1);
    if (failed) {
      response_.set_records_mended(response_.records_mended() + 1);
    } else {
      response_.set_records_broken(response_.records_broken() + 1);
    }
    v1::RecordDifference* const shown = Show(record);
    if (shown == nullptr) return;
    if (failed) shown->set_error_before(ErrorText(record.node(), record.code(), record.message()));
    if (after != nullptr) shown->set_error_after(ErrorText(after->node, after->code, after->message));
  }

  void Skip(size_t records) {
    response_.set_records_skipped(response_.records_skipped() + static_cast<int64_t>(records));
  }

  v1::CompareJobResponse Take(std::string config_hash) {
    response_.set_config_hash(std::move(config_hash));
    for (auto& [path, field] : fields_) {
      field.set_path(path);
      *response_.add_fields() = std::move(field);
    }
    return std::move(response_);
  }

 private:
  absl::Status AddSame() {
    response_.set_records_same(response_.records_same() + 1);
    return absl::OkStatus();
  }

  /// Null when enough are shown.
  v1::RecordDifference* Show(const v1::Record& record) {
    if (response_.differences_size() >= differences_max_) return nullptr;
    v1::RecordDifference* const shown = response_.add_differences();
    shown->set_sequence(record.sequence());
    shown->set_index(record.index());
    return shown;
  }

  const Tolerances& tolerances_;
  const int32_t differences_max_;
  std::map<std::string, v1::FieldComparison> fields_;
  v1::CompareJobResponse response_;
};

/// Walks over the chunks of a job and runs the records of the sample under the candidate.
class Comparison {
 public:
  Comparison(model::JobPtr job, const model::SourceSample& sample, Candidate candidate, Report& report,
             const Deps& deps)
      : job_(std::move(job)),
        sample_(sample),
        begin_nanos_(deps.clock.SteadyNanos()),
        candidate_(std::move(candidate)),
        report_(report),
        deps_(deps),
        lister_(job_, deps) {}

  absl::Status Run() {
    const int64_t last = std::min(job_->last_sequence, store::kChunksLookedAtMax);
    for (int64_t sequence = 1; sequence <= last && !model::IsSampleOver(sample_, next_record_); ++sequence) {
      if (taken_ >= model::kCompareRecordsMax) break;
      const absl::StatusOr<model::Chunk> chunk = deps_.store.FindChunk(job_->key(), sequence);
      if (!chunk.ok()) return chunk.status();
      // What was run again stands for a record of an earlier chunk.
      if (model::IsRerun(*chunk)) continue;
      if (absl::Status compared = CompareChunk(*chunk); !compared.ok()) return compared;
    }
    return absl::OkStatus();
  }

  std::string TakeConfigHash() { return std::move(candidate_.config_hash); }

 private:
  absl::Status CompareChunk(const model::Chunk& chunk) {
    std::vector<int32_t> indexes;
    for (int32_t i = 0; i < chunk.record_count; ++i, ++next_record_) {
      if (taken_ < model::kCompareRecordsMax && model::TakesRecord(sample_, next_record_)) {
        indexes.push_back(i);
        ++taken_;
      }
    }
    if (IsLate()) {
      report_.Skip(indexes.size());
      return absl::OkStatus();
    }
    if (indexes.empty()) return absl::OkStatus();
    const absl::StatusOr<std::vector<RecordLister::Listed>> listed = lister_.ReadChunk(chunk);
    if (!listed.ok()) return listed.status();
    const absl::StatusOr<model::ChunkInput> input = deps_.store.ReadChunk(job_->key(), chunk.sequence);
    const bool is_gone = model::HasReason(input.status(), model::Reason::kPipelineNotFound);
    if (!input.ok() && !is_gone) return input.status();
    const auto is_comparable = [&](int32_t index) {
      const RecordLister::Listed& record = (*listed)[static_cast<size_t>(index)];
      const v1::RecordState state = record.record.state();
      return !is_gone && !record.mended && (state == v1::RECORD_STATE_COMPLETED || state == v1::RECORD_STATE_FAILED);
    };
    const auto comparable = std::stable_partition(indexes.begin(), indexes.end(), is_comparable);
    report_.Skip(static_cast<size_t>(indexes.end() - comparable));
    indexes.erase(comparable, indexes.end());
    if (indexes.empty()) return absl::OkStatus();
    const std::vector<std::string_view> lines = core::LinesOf(input->json_lines);
    // A few at a time: a candidate may take seconds for each.
    for (std::span<const int32_t> rest = indexes; !rest.empty();) {
      if (IsLate()) {
        report_.Skip(rest.size());
        break;
      }
      const auto some = rest.first(std::min(kRecordsAtATime, rest.size()));
      if (absl::Status compared = CompareRecords(input->chunk, lines, some, *listed); !compared.ok()) return compared;
      rest = rest.subspan(some.size());
    }
    return absl::OkStatus();
  }

  bool IsLate() const {
    return deps_.clock.SteadyNanos() - begin_nanos_ > absl::ToInt64Nanoseconds(model::kCompareTimeMax);
  }

  /// `lines` and `listed` are those of the whole chunk.
  absl::Status CompareRecords(const model::Chunk& chunk, const std::vector<std::string_view>& lines,
                              std::span<const int32_t> indexes, const std::vector<RecordLister::Listed>& listed) {
    std::string records;
    for (const int32_t index : indexes) records.append(lines[static_cast<size_t>(index)]).append("\n");
    records.reserve(records.size() + model::kPayloadPadding);
    const model::SummarySpec no_summary;
    const model::ChunkOutcome outcome =
        candidate_.runner->Run({.json_lines = records,
                                .record_count = static_cast<int32_t>(indexes.size()),
                                .job_parameters_json = job_->parameters_json,
                                .chunk_parameters_json = chunk.parameters_json,
                                .selected_outputs = job_->selected_outputs,
                                .summary = no_summary,
                                .record_timeout = job_->options.record_timeout,
                                .random_seed = core::RandomSeed(job_->key(), chunk.sequence),
                                .indexes = indexes});
    const std::vector<std::string_view> outputs = core::LinesOf(outcome.json_lines);
    auto failure = outcome.failures.begin();
    for (size_t i = 0; i < indexes.size(); ++i) {
      const v1::Record& record = listed[static_cast<size_t>(indexes[i])].record;
      const bool fails = failure != outcome.failures.end() && failure->index == indexes[i];
      if (!fails && record.state() == v1::RECORD_STATE_COMPLETED) {
        if (absl::Status added = report_.AddOutputs(record, outputs[i]); !added.ok()) return added;
      } else {
        report_.AddFailure(record, fails ? &*failure : nullptr);
      }
      if (fails) ++failure;
    }
    return absl::OkStatus();
  }

  static constexpr size_t kRecordsAtATime = 10;

  const model::JobPtr job_;
  const model::SourceSample sample_;
  const int64_t begin_nanos_;
  Candidate candidate_;
  Report& report_;
  const Deps& deps_;
  RecordLister lister_;
  /// Counted over all records that were pushed, from 0.
  int64_t next_record_ = 0;
  int64_t taken_ = 0;
};

}  // namespace

absl::StatusOr<v1::CompareJobResponse> CompareJob(const v1::CompareJobRequest& request, const Call& call,
                                                  const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  model::SourceSample sample{.first = model::kCompareRecordsDefault};
  if (request.has_sample()) {
    const absl::StatusOr<model::SourceSample> wanted = ReadSample(request.sample());
    if (!wanted.ok()) return wanted.status();
    sample = *wanted;
  }
  const absl::StatusOr<Tolerances> tolerances = Tolerances::Read(request);
  if (!tolerances.ok()) return tolerances.status();
  const auto shown = InRange("max_differences", request.max_differences(), 1, model::kCompareDifferencesMax,
                             model::kCompareDifferencesDefault);
  if (!shown.ok()) return shown.status();
  absl::StatusOr<model::JobPtr> job = deps.store.GetJob(call.job(request.job_id()));
  if (!job.ok()) return job.status();
  if (model::IsBulkRun(**job)) {
    return model::FieldError("job_id", "a bulk run has no code to compare; compare its jobs");
  }
  absl::StatusOr<Candidate> candidate = ReadCandidate(request, **job, call, deps);
  if (!candidate.ok()) return candidate.status();

  Report report(*tolerances, static_cast<int32_t>(*shown));
  Comparison comparison(*std::move(job), sample, *std::move(candidate), report, deps);
  if (absl::Status compared = comparison.Run(); !compared.ok()) return compared;
  return report.Take(comparison.TakeConfigHash());
}

}  // namespace millrace::handlers
