// What happened to a job, one event at a time: for people who ask later what was done, when, and by whom.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"

namespace millrace::model {

/// The numbers are stored and those of millrace.v1.JobEventKind: never change them.
enum class JobEventKind : int32_t {
  kCreated = 1,
  kStateChanged = 2,
  kVersionChanged = 3,
  kUpdated = 4,
  kFirstException = 5,
  kExceptionsResolved = 6,
  kSourceRead = 7,
  kRecordsRepeated = 70,
  kWebhookGivenUp = 60,
  kExceptionsDropped = 61,
};

/// See millrace.v1.JobEvent.
struct JobEvent {
  /// From 1, without gaps, in the order in which it happened. Older events are dropped, see kJobEventsMax.
  int64_t number = 0;
  absl::Time time = absl::InfinitePast();
  JobEventKind kind = JobEventKind::kCreated;
  /// Whose call it was; empty: the server did it on its own.
  std::string by;
  /// kStateChanged.
  JobState from_state{};
  JobState to_state{};
  /// What else there is to say, for people.
  std::string detail;

  friend bool operator==(const JobEvent&, const JobEvent&) = default;
};

/// The event of a new job.
JobEvent CreationEvent(const Job& job);

/// How a job came on between two looks at it, in order, without number and author: its state, its source, its first
/// exception. Counters that move on are no event.
std::vector<JobEvent> ProgressEvents(const Job& before, const Job& after);

/// The same for what is chosen by people and not moved by chunks: the version, the name, the tuning.
std::vector<JobEvent> DefinitionEvents(const Job& before, const Job& after);

/// Records that had succeeded are run again.
JobEvent RepetitionEvent(std::string_view detail, absl::Time now);

/// What a person did about `count` exceptions.
JobEvent ResolutionEvent(ResolutionKind kind, int64_t count, std::string_view note, absl::Time now);

}  // namespace millrace::model
