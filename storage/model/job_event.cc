#include "storage/model/job_event.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/model/job_rules.h"

namespace millrace::model {
namespace {

JobEvent EventAt(absl::Time time, JobEventKind kind, std::string detail) {
  return {.time = time, .kind = kind, .detail = std::move(detail)};
}

/// Lists fields that are not what they were: `priority 0 -> 5`.
class Differences {
 public:
  template <typename T>
  void Add(std::string_view field, const T& before, const T& after) {
    if (before != after) parts_.push_back(absl::StrCat(std::string(field), " ", before, " -> ", after));
  }
  void Add(std::string_view field, absl::Duration before, absl::Duration after) {
    Add(field, absl::FormatDuration(before), absl::FormatDuration(after));
  }
  /// The same for a text of any length.
  template <typename T>
  void AddName(std::string_view field, const T& before, const T& after) {
    if (before != after) parts_.emplace_back(field);
  }
  std::string text() const { return absl::StrJoin(parts_, ", "); }

 private:
  std::vector<std::string> parts_;
};

std::string ChangedFields(const Job& before, const Job& after) {
  Differences differences;
  differences.AddName("name", before.metadata.name, after.metadata.name);
  differences.AddName("description", before.metadata.description, after.metadata.description);
  differences.AddName("tags", before.metadata.tags, after.metadata.tags);
  const JobOptions& was = before.options;
  const JobOptions& is = after.options;
  differences.Add("initial_workers", was.initial_workers, is.initial_workers);
  differences.Add("max_workers", was.max_workers, is.max_workers);
  differences.Add("priority", was.priority, is.priority);
  differences.Add("weight", was.weight, is.weight);
  differences.Add("records_per_second", was.throttle.records_per_second, is.throttle.records_per_second);
  differences.Add("delay_between_chunks", was.throttle.delay_between_chunks, is.throttle.delay_between_chunks);
  differences.Add("max_failed_ratio", was.max_failed_ratio, is.max_failed_ratio);
  const auto share = [](const Job& job) -> std::string {
    const SourceSample& sample = job.source.sample;
    if (sample.continued) return "all of the source";
    return sample.partitioning.parts.empty() ? "the sample" : "some parts of the source";
  };
  differences.Add("reads", share(before), share(after));
  return differences.text();
}

/// Why the job is in the state that it has come to.
std::string ReasonOf(const Job& before, const Job& after) {
  if (after.state == JobState::kPaused) return after.pause_reason;
  if (before.state == JobState::kPaused && !IsFinal(after.state)) {
    return after.ramps > before.ramps ? "resumed gradually" : "resumed";
  }
  if (EndedEarly(before)) return "taken up";
  if (before.state != JobState::kCreated && TakesInput(after)) return "its source is read on";
  if (IsFinal(before.state)) return "records run again";
  if (!after.state_reason.empty()) return after.state_reason;
  switch (after.state) {
    case JobState::kInProgress:
      return "the first records came";
    case JobState::kClosed:
      return HasSource(after) ? "its source is read to the end" : "the input was closed";
    case JobState::kCompleted:
    case JobState::kCompletedByTimeout:
      return absl::StrCat("every record has run: ", after.counters.records_completed, " completed, ",
                          after.counters.records_failed, " failed");
    default:
      return {};
  }
}

JobEvent StateEvent(absl::Time time, JobState from, JobState to, std::string detail) {
  JobEvent event = EventAt(time, JobEventKind::kStateChanged, std::move(detail));
  event.from_state = from;
  event.to_state = to;
  return event;
}

std::string_view WhatWasDone(ResolutionKind kind) {
  switch (kind) {
    case ResolutionKind::kReprocess:
      return "run again";
    case ResolutionKind::kCorrectedInput:
      return "run with a corrected input";
    case ResolutionKind::kOutputs:
      return "given outputs";
    case ResolutionKind::kAnswer:
      return "answered";
    case ResolutionKind::kDiscard:
    case ResolutionKind::kNone:
      return "discarded";
  }
  return "discarded";
}

}  // namespace

JobEvent CreationEvent(const Job& job) {
  JobEvent event =
      EventAt(job.create_time, JobEventKind::kCreated, absl::StrCat(job.service, " ", job.service_version));
  event.by = job.created_by;
  return event;
}

std::vector<JobEvent> DefinitionEvents(const Job& before, const Job& after) {
  std::vector<JobEvent> events;
  const absl::Time time = after.update_time;
  if (before.version_id != after.version_id) {
    events.push_back(EventAt(time, JobEventKind::kVersionChanged,
                             absl::StrCat(before.service_version, " -> ", after.service_version)));
  }
  if (std::string fields = ChangedFields(before, after); !fields.empty()) {
    events.push_back(EventAt(time, JobEventKind::kUpdated, std::move(fields)));
  }
  return events;
}

std::vector<JobEvent> ProgressEvents(const Job& before, const Job& after) {
  std::vector<JobEvent> events;
  const absl::Time time = after.update_time;
  if (!before.source_position.exhausted && after.source_position.exhausted) {
    events.push_back(EventAt(time, JobEventKind::kSourceRead,
                             absl::StrCat(after.counters.records_submitted, " records, ",
                                          after.source_position.read_errors, " rows that could not be read")));
  }
  if (before.counters.records_failed + before.counters.records_discarded == 0 && after.counters.records_failed > 0 &&
      before.counters.records_rerun == 0) {
    events.push_back(EventAt(time, JobEventKind::kFirstException, ""));
  }
  if (before.state != after.state) {
    events.push_back(StateEvent(time, before.state, after.state, ReasonOf(before, after)));
  } else if (StateUnderPause(before) != StateUnderPause(after)) {
    events.push_back(StateEvent(time, StateUnderPause(before), StateUnderPause(after), "while paused"));
  }
  return events;
}

JobEvent RepetitionEvent(std::string_view detail, absl::Time now) {
  return EventAt(now, JobEventKind::kRecordsRepeated, std::string(detail));
}

JobEvent ResolutionEvent(ResolutionKind kind, int64_t count, std::string_view note, absl::Time now) {
  std::string detail = absl::StrCat(count, count == 1 ? " exception " : " exceptions ", std::string(WhatWasDone(kind)));
  if (!note.empty()) absl::StrAppend(&detail, ": ", std::string(note));
  return EventAt(now, JobEventKind::kExceptionsResolved, std::move(detail));
}

}  // namespace millrace::model
