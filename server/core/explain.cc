#include "server/core/explain.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/model/built_in.h"
#include "storage/model/job_rules.h"
#include "storage/model/worker_labels.h"

namespace millrace::core {
namespace {

/// `1 chunk`, `2 chunks`.
std::string Count(int64_t count, const char* noun) { return absl::StrCat(count, " ", noun, count == 1 ? "" : "s"); }

/// `1 chunk of it runs`, `2 chunks of it run`.
std::string RunningText(const Standing& standing) {
  return absl::StrCat(Count(standing.running, "chunk"), standing.running == 1 ? " of it runs" : " of it run");
}

/// `in 2.5s, at 2024-05-01T12:00:03Z`.
std::string At(absl::Duration wait, absl::Time now) {
  const absl::Duration rounded = absl::Ceil(wait, absl::Milliseconds(1));
  return absl::StrCat("in ", absl::FormatDuration(rounded), ", at ",
                      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now + rounded, absl::UTCTimeZone()));
}

std::string ThrottleText(const model::Throttle& throttle) {
  std::vector<std::string> parts;
  if (throttle.records_per_second > 0) parts.push_back(absl::StrCat(throttle.records_per_second, " records a second"));
  if (throttle.delay_between_chunks > absl::ZeroDuration()) {
    parts.push_back(absl::StrCat("one chunk in ", absl::FormatDuration(throttle.delay_between_chunks)));
  }
  return absl::StrJoin(parts, " and ");
}

std::string MaxWorkersText(const Standing& standing) {
  if (standing.job->options.max_workers > 1) {
    return absl::StrCat(RunningText(standing), ", which is its max_workers");
  }
  return standing.running > 0 ? "it runs one chunk after the other (max_workers is 1), and one runs"
                              : "it runs one chunk after the other (max_workers is 1), and the one before is being "
                                "committed";
}

std::string SelectorText(const Standing& standing) {
  return absl::StrCat("no worker has ", model::WorkerLabelsText(standing.job->options.worker_selector),
                      "; the server's own have ", model::WorkerLabelsText(standing.worker_labels));
}

std::string WorkerText(const Standing& standing, int32_t workers) {
  const std::string busy = absl::StrCat(standing.workers_busy, " of ", Count(workers, "worker"), " busy");
  const std::string place = standing.position == 1
                                ? "it is next in line of its tenant"
                                : absl::StrCat("it is number ", standing.position, " in the line of its tenant");
  const int64_t higher = standing.of_higher_priority;
  const std::string first = higher == 0 ? ""
                                        : absl::StrCat(", where ", Count(higher, "job"), " of a higher priority ",
                                                       higher == 1 ? "goes" : "go", " first");
  return absl::StrCat(busy, ", ", Count(standing.jobs_sharing, "job"), standing.jobs_sharing == 1 ? " uses" : " share",
                      " them, and ", place, first);
}

std::string PauseText(const model::Job& job) {
  std::string text = "it is paused";
  if (job.pause_time != absl::InfinitePast()) {
    absl::StrAppend(&text, " since ", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", job.pause_time, absl::UTCTimeZone()));
  }
  if (!job.pause_reason.empty()) absl::StrAppend(&text, " (", job.pause_reason, ")");
  return text + "; resume it";
}

/// What follows "waits: ", or the whole sentence for what does not wait.
std::string Because(const Standing& standing, int32_t workers, absl::Time now) {
  const model::Job& job = *standing.job;
  const Verdict& verdict = standing.verdict;
  switch (verdict.hold) {
    case Hold::kWaitingForWorker:
      return WorkerText(standing, workers);
    case Hold::kWaitingForPush:
      if (model::HasSource(job)) {
        return absl::StrCat("all that was read of its source (", Count(job.counters.records_submitted, "record"),
                            ") has run; the server is reading on");
      }
      if (job.last_sequence == 0) return "nothing was pushed yet";
      return absl::StrCat(job.last_sequence == 1
                              ? "the 1 chunk that was pushed has run"
                              : absl::StrCat("all ", job.last_sequence, " chunks that were pushed have run"),
                          "; push more, or close the pipeline");
    case Hold::kPaused:
      return PauseText(job);
    case Hold::kOutputBufferFull:
      return absl::StrCat("its output buffer is full (", job.output_buffer_used_bytes, " of ",
                          job.options.output_buffer_bytes, " bytes); pull and acknowledge results");
    case Hold::kMaxWorkersReached:
      return MaxWorkersText(standing);
    case Hold::kRamping:
      return absl::StrCat(RunningText(standing), ", and its workers double each second from ", RampStart(job), " to ",
                          job.options.max_workers, "; again ", At(standing.wait, now));
    case Hold::kThrottled:
      return absl::StrCat("it is throttled to ", ThrottleText(job.options.throttle), "; the next chunk starts ",
                          standing.wait == absl::InfiniteDuration() ? "once the size of the one before is known"
                                                                    : At(standing.wait, now));
    case Hold::kBackingOff:
      return absl::StrCat("chunk ", verdict.sequence, " failed in attempt ", standing.attempt, " of ",
                          job.options.retry.max_attempts, " and is tried again ", At(standing.wait, now));
    case Hold::kOrderingKeyHeld:
      if (verdict.unread) {
        return absl::StrCat("chunk ", verdict.sequence, " is being read, and which ordering keys (",
                            job.options.ordering_key, ") it holds is not known yet");
      }
      return absl::StrCat("for chunk ", verdict.sequence, ", which holds the same key (", job.options.ordering_key,
                          ") and is not committed yet");
    case Hold::kNoMatchingWorker:
      return SelectorText(standing);
    case Hold::kEarlierChunks:
      return absl::StrCat(Count(standing.chunks_ahead, "earlier chunk"), " of its job, from chunk ", verdict.sequence,
                          " on, come first");
    case Hold::kCommitsWaiting:
      return absl::StrCat("the outcomes of ", Count(standing.committing, "chunk"), " wait to be stored");
    case Hold::kStorageRefuses:
      return absl::StrCat("an outcome could not be stored; the server tries again ", At(standing.wait, now));
    case Hold::kRunning:
      return absl::StrCat("in attempt ", std::max(1, standing.attempt));
    case Hold::kCommitting:
    case Hold::kComplete:
    case Hold::kCancelled:
    case Hold::kFailed:
    case Hold::kSkipped:
    case Hold::kDone:
      return "";
  }
  return "";
}

/// The sentence about what is over or under way; empty for what waits.
std::string Fact(const Standing& standing, int64_t sequence) {
  const model::Job& job = *standing.job;
  const std::string who = sequence == 0 ? absl::StrCat("Job ", job.id) : absl::StrCat("Chunk ", sequence);
  const std::string why = job.state_reason.empty() ? "" : absl::StrCat(" (", job.state_reason, ")");
  switch (standing.verdict.hold) {
    case Hold::kRunning:
      if (sequence != 0) return absl::StrCat(who, " runs, in attempt ", standing.attempt, ".");
      return absl::StrCat(
          who, " runs: ", Count(standing.running, "chunk"),
          model::IsBulkRun(job) ? " whose jobs run, none waits." : " in the hands of workers, none waits.");
    case Hold::kCommitting:
      if (standing.committing == 0) return absl::StrCat(who, " waits until all that is to run again is stored.");
      if (sequence != 0) return absl::StrCat(who, " ran; its outcome is being stored.");
      if (standing.committing == 1) return absl::StrCat(who, " ran: the outcome of its last chunk is being stored.");
      return absl::StrCat(who, " ran: the outcomes of its last ", standing.committing, " chunks are being stored.");
    case Hold::kComplete:
      if (job.last_sequence == 0) return absl::StrCat(who, " is complete: it had nothing to run.");
      if (job.last_sequence == 1) return absl::StrCat(who, " is complete: its 1 chunk has run.");
      return absl::StrCat(who, " is complete: all ", job.last_sequence, " chunks have run.");
    case Hold::kCancelled:
      return absl::StrCat(who, " was cancelled", why, "; ", Count(model::ChunksSkipped(job), "chunk"),
                          " will not run.");
    case Hold::kFailed:
      return absl::StrCat(who, " failed", why, "; ", Count(model::ChunksSkipped(job), "chunk"), " will not run.");
    case Hold::kSkipped:
      return absl::StrCat(who, " was skipped: the job is ", std::string(model::JobStateName(job.state)), why, ".");
    case Hold::kDone:
      return absl::StrCat(who, " ran; its outcome is stored.");
    default:
      return "";
  }
}

bool IsOver(Hold hold) {
  return hold == Hold::kComplete || hold == Hold::kCancelled || hold == Hold::kFailed || hold == Hold::kSkipped ||
         hold == Hold::kDone;
}

}  // namespace

bool WaitsForSomebody(Hold hold) {
  return hold == Hold::kPaused || hold == Hold::kOutputBufferFull || hold == Hold::kNoMatchingWorker ||
         hold == Hold::kStorageRefuses;
}

bool Waits(const Standing& standing) {
  return standing.running == 0 && standing.committing == 0 && !IsOver(standing.verdict.hold);
}

std::string Sentence(const Standing& standing, int64_t sequence, int32_t workers, absl::Time now) {
  if (std::string fact = Fact(standing, sequence); !fact.empty()) return fact;
  const bool waits_for_chunk = standing.verdict.hold == Hold::kOrderingKeyHeld && !standing.verdict.unread;
  const std::string because = absl::StrCat(waits_for_chunk ? " " : ": ", Because(standing, workers, now));
  if (sequence != 0) return absl::StrCat("Chunk ", sequence, " waits", because, ".");
  // A job that was never pushed to, or is through, has no chunk that waits.
  if (standing.chunks_ahead == 0) return absl::StrCat("Job ", standing.job->id, " waits", because, ".");
  const std::string runs =
      standing.running > 0 ? absl::StrCat("runs ", Count(standing.running, "chunk"), ", and ") : "";
  return absl::StrCat("Job ", standing.job->id, " ", runs, "waits with ", Count(standing.chunks_ahead, "chunk"),
                      because, ".");
}

int64_t RecordsIn(const model::Job& job, int64_t chunks) {
  const int64_t pending_chunks = model::ChunksPending(job);
  const int64_t pending = model::RecordsPending(job);
  if (pending_chunks <= 0 || pending <= 0) return 0;
  return static_cast<int64_t>(static_cast<double>(pending) * static_cast<double>(chunks) /
                              static_cast<double>(pending_chunks));
}

std::optional<Eta> EstimateEnd(const Standing& standing, int64_t records, int64_t chunks, int32_t workers,
                               absl::Time now) {
  const model::Job& job = *standing.job;
  const auto ran = static_cast<double>(model::RecordsInResults(job));
  const Hold hold = standing.verdict.hold;
  // What a source has is read by the server itself.
  const bool waits_for_push = hold == Hold::kWaitingForPush && !model::HasSource(job);
  const bool has_no_pace = waits_for_push || WaitsForSomebody(hold) || IsOver(hold);
  if (ran <= 0 || records <= 0 || has_no_pace) return std::nullopt;
  const absl::Duration work = absl::Nanoseconds(job.counters.compute_nanos) / ran * static_cast<double>(records);
  const double own = std::min(workers, job.options.max_workers);
  const double share = static_cast<double>(workers) / static_cast<double>(std::max<int64_t>(1, standing.jobs_sharing));
  const absl::Duration pace = (now - job.start_time) / ran * static_cast<double>(records);

  absl::Duration floor =
      static_cast<double>(std::max<int64_t>(0, chunks - 1)) * job.options.throttle.delay_between_chunks;
  if (job.options.throttle.records_per_second > 0) {
    floor = std::max(floor, absl::Seconds(static_cast<double>(records) / job.options.throttle.records_per_second));
  }
  if (standing.wait != absl::InfiniteDuration()) floor = std::max(floor, standing.wait);
  const absl::Duration earliest = std::max(work / std::max(1.0, own), floor);
  return Eta{.earliest = now + earliest,
             .latest = now + std::max({work / std::max(0.001, std::min(own, share)), pace, earliest})};
}

}  // namespace millrace::core
