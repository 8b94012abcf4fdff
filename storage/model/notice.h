// What the webhook of a job is to be told: stored with the event that it tells, and kept until it is told or given up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/time/time.h"
#include "storage/model/job.h"
#include "storage/model/job_event.h"

namespace millrace::model {

/// Names a notice for ever: a job that is deleted and created anew under its id counts its events from 1 again, but was
/// created at another time.
struct NoticeKey {
  JobKey job;
  absl::Time job_create_time = absl::InfinitePast();
  /// Of the event.
  int64_t number = 0;

  friend bool operator==(const NoticeKey&, const NoticeKey&) = default;
  friend bool operator<(const NoticeKey& a, const NoticeKey& b) {
    return std::tie(a.job, a.job_create_time, a.number) < std::tie(b.job, b.job_create_time, b.number);
  }
};

/// Has all that is to be told, so that it can be told whatever becomes of the job.
struct Notice {
  JobEvent event;
  /// As the event left it, without what may be large: parameters, and the records and statement of its source.
  Job job;

  NoticeKey key() const { return {job.key(), job.create_time, event.number}; }
};

/// What a webhook can be told.
enum class NoticeKind { kEnded, kPaused, kFirstException };

/// What an event of a job is to a webhook; nullopt: nothing.
std::optional<NoticeKind> NoticeKindOf(const JobEvent& event);

/// Whether the webhook of the job is to be told of the event.
bool IsToBeTold(const Job& job, const JobEvent& event);

/// `job` is as the event left it.
Notice MakeNotice(const Job& job, const JobEvent& event);

/// `JOB-TIME-NUMBER`, the time being that of the creation of the job in microseconds of Unix time: the same at each attempt,
/// and never that of another notice of the tenant.
std::string NoticeId(const NoticeKey& key);

/// Tells in the log of the job that its webhook could not be told of event `number`.
JobEvent GivenUpEvent(int64_t number, std::string_view problem, absl::Time now);

}  // namespace millrace::model
