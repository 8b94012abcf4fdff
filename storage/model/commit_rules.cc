#include "storage/model/commit_rules.h"

#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/model/digest.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::model {
namespace {

// Every name is followed by its length or a number, so that no two summaries give the same text.
std::string SummaryText(const SummarySpec& summary) {
  std::string text = summary.ignore_error ? "ignore" : "fail";
  for (const Aggregation& aggregation : summary.aggregations) {
    absl::StrAppend(&text, " ", aggregation.output_name.size(), ":", aggregation.output_name, "=",
                    static_cast<int32_t>(aggregation.op));
  }
  return text;
}

}  // namespace

std::string ContentHash(const NewChunk& chunk) {
  return Digest128({chunk.json_lines, chunk.parameters_json, SummaryText(chunk.summary)});
}

Chunk MakeChunk(const NewChunk& pushed, int64_t sequence, absl::Time now) {
  Chunk chunk;
  chunk.id = pushed.id;
  chunk.sequence = sequence;
  chunk.record_count = pushed.record_count;
  chunk.input_bytes = static_cast<int64_t>(pushed.json_lines.size());
  chunk.parameters_json = pushed.parameters_json;
  chunk.summary = pushed.summary;
  chunk.content_hash = ContentHash(pushed);
  chunk.push_time = now;
  chunk.replaces = pushed.replaces;
  chunk.replaces_held = pushed.replaces_held;
  chunk.repeats = pushed.repeats;
  chunk.answers = pushed.answers;
  chunk.part = pushed.part;
  return chunk;
}

ChunkResult MakeResult(const Job& job, const Chunk& chunk, ChunkOutcome& outcome) {
  ChunkResult result;
  result.number = chunk.result_number;
  result.chunk_id = chunk.id;
  result.sequence = chunk.sequence;
  result.record_count = chunk.record_count;
  result.json_lines = std::move(outcome.json_lines);
  result.errors.reserve(outcome.failures.size());
  for (const RecordFailure& failure : outcome.failures) {
    result.errors.push_back({failure.index, failure.node, failure.code, failure.message});
  }
  result.warnings = std::move(outcome.warnings);
  result.process_time_ns = std::move(outcome.process_time_ns);
  result.summary = std::move(outcome.summary);
  result.summary_error = std::move(outcome.summary_error);
  result.config_hash = chunk.config_hash;
  result.attempt = chunk.attempts;
  result.replaces = chunk.repeats.empty() ? RunsOf(chunk.replaces) : chunk.repeats;
  result.cumulative_output_bytes = job.counters.output_bytes;
  result.cumulative_records = RecordsInResults(job);
  result.part = chunk.part;
  return result;
}

std::vector<RecordException> ExceptionsOf(const Chunk& chunk, const ChunkOutcome& outcome) {
  std::vector<RecordException> exceptions;
  exceptions.reserve(outcome.failures.size());
  for (const RecordFailure& failure : outcome.failures) {
    RecordException& exception = exceptions.emplace_back();
    exception.sequence = chunk.sequence;
    exception.index = failure.index;
    exception.chunk_id = chunk.id;
    exception.input = failure.input;
    exception.node = failure.node;
    exception.code = failure.code;
    exception.message = failure.message;
    exception.fingerprint =
        Fingerprint(failure.node, failure.code, NormaliseMessage(failure.message), chunk.config_hash);
    exception.config_hash = chunk.config_hash;
    exception.create_time = chunk.commit_time;
    exception.retries = failure.retries;
    exception.held = failure.held;
    if (!chunk.replaces.empty()) exception.replaces = chunk.replaces[static_cast<size_t>(failure.index)];
  }
  return exceptions;
}

ExceptionGroup MakeGroup(const RecordException& exception) {
  ExceptionGroup group;
  group.fingerprint = exception.fingerprint;
  group.node = exception.node;
  group.code = exception.code;
  group.normalised_message = NormaliseMessage(exception.message);
  group.config_hash = exception.config_hash;
  return group;
}

ExceptionGroup MakeOtherGroup() {
  ExceptionGroup group;
  group.fingerprint = std::string(kOtherFingerprint);
  return group;
}

void AddToGroup(ExceptionGroup& group, const RecordException& exception) {
  if (group.count == 0) {
    group.first_time = exception.create_time;
    group.sample_exception_id = ExceptionId(exception.sequence, exception.index);
    group.sample_message = exception.message;
  }
  group.count += 1;
  group.last_time = exception.create_time;
}

bool ComesBefore(const ExceptionGroup& a, const ExceptionGroup& b) {
  return std::tie(b.count, a.fingerprint) < std::tie(a.count, b.fingerprint);
}

ExceptionState StateOf(const Job& job, const Resolution& resolution) {
  const bool in_vain = EndedEarly(job) && resolution.state == ExceptionState::kReprocessing;
  return in_vain ? ExceptionState::kUnresolved : resolution.state;
}

absl::Status CheckResolution(const Job& job, ResolutionKind kind) {
  if (kind != ResolutionKind::kOutputs || !job.options.order_results || ChunksPending(job) == 0) {
    return absl::OkStatus();
  }
  return MakeError(Reason::kJobNotFinished,
                   absl::StrCat("the results of job ", job.id, " are in push order, and ", ChunksPending(job),
                                " chunks of it wait: give outputs when they are done"),
                   {{"pipeline_id", job.id}, {"state", std::string(JobStateName(job.state))}});
}

Resolution MakeResolution(ResolutionKind kind, const RecordPlace& rerun, std::string_view fingerprint, bool held,
                          absl::Time now) {
  Resolution resolution;
  resolution.kind = kind;
  resolution.time = now;
  resolution.fingerprint = std::string(fingerprint);
  resolution.held = held;
  if (kind == ResolutionKind::kDiscard) {
    resolution.state = ExceptionState::kDiscarded;
  } else {
    resolution.state = ExceptionState::kReprocessing;
    resolution.rerun = rerun;
  }
  return resolution;
}

Discards DiscardsIn(const std::vector<Resolution>& resolutions) {
  Discards discards;
  for (const Resolution& resolution : resolutions) {
    if (resolution.state != ExceptionState::kDiscarded) continue;
    discards.count += 1;
    discards.held += resolution.held ? 1 : 0;
  }
  return discards;
}

ChunkCommit MakeOutputsCommit(const JobKey& job, int64_t sequence, int64_t store_epoch, std::string json_lines,
                              int32_t record_count) {
  ChunkCommit commit;
  commit.job = job;
  commit.sequence = sequence;
  commit.epoch = store_epoch;
  commit.outcome.json_lines = std::move(json_lines);
  commit.outcome.record_count = record_count;
  commit.outcome.process_time_ns.assign(static_cast<size_t>(record_count), 0);
  return commit;
}

void SettleRerun(Resolution& resolution, const RecordPlace& rerun, bool failed) {
  if (resolution.state == ExceptionState::kDiscarded) resolution.kind = ResolutionKind::kReprocess;
  resolution.rerun = rerun;
  resolution.state = failed ? ExceptionState::kReplaced : ExceptionState::kResolved;
}

}  // namespace millrace::model
