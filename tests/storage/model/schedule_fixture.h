// A schedule in the hands of its rules.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/model/schedule_rules.h"
#include "tests/support/factories.h"

namespace millrace::model {

// A midnight.
inline const absl::Time kStart = absl::FromUnixSeconds(1'767'225'600);

inline absl::Time At(absl::Duration since) { return kStart + since; }

/// `3@12:00 SKIPPED`, what is skipped for the missed ones before it with `+2`.
inline std::string Text(const ScheduleRun& run) {
  constexpr const char* kNames[] = {"", "QUEUED", "RUNNING", "COMPLETED", "SKIPPED", "REFUSED"};
  std::string text = absl::StrCat(run.number, "@", absl::FormatTime("%H:%M", run.scheduled_time, absl::UTCTimeZone()),
                                  " ", kNames[static_cast<int>(run.state)]);
  if (run.missed > 0) absl::StrAppend(&text, " +", run.missed);
  return text;
}

inline std::vector<std::string> Texts(const std::vector<ScheduleRun>& runs) {
  std::vector<std::string> texts;
  texts.reserve(runs.size());
  for (const ScheduleRun& run : runs) texts.push_back(Text(run));
  return texts;
}

class ScheduleRulesTest : public ::testing::Test {
 protected:
  /// Hourly from 00:00 on, made at 00:00.
  ScheduleRulesTest() {
    schedule().tenant = "t";
    schedule().id = "nightly";
    schedule().uid = "u1";
    schedule().definition.recurrence = {.kind = RecurrenceKind::kCron, .cron = "0 * * * *"};
    Begin();
  }

  Schedule& schedule() { return change_.schedule; }
  void Begin() { schedule().next_fire_time = FirstFireTime(schedule(), kStart).value(); }
  void Every(absl::Duration interval) {
    schedule().definition.recurrence = {.kind = RecurrenceKind::kInterval, .interval = interval};
    Begin();
  }

  bool Fire(absl::Duration since) { return ApplyFire(change_, At(since)).value(); }
  RunName First() { return {schedule().uid, schedule().open.empty() ? 0 : schedule().open.front().number}; }
  bool Submit(absl::Duration since) {
    Job job = millrace::testing::ExampleJob(absl::StrCat("job-", First().number));
    job.create_time = At(since);
    return ApplySubmitted(change_, First(), job);
  }
  bool EndJob(absl::Duration since, JobState state = JobState::kCompleted) {
    auto job = std::make_shared<Job>(millrace::testing::ExampleJob("job"));
    job->state = state;
    job->complete_time = At(since);
    return ApplyEnded(change_, First(), job, At(since) + absl::Seconds(1));
  }

  std::vector<std::string> Open() { return Texts(schedule().open); }
  /// What ended since the last call.
  std::vector<std::string> Ended() { return Texts(std::exchange(change_.ended, {})); }

  ScheduleChange change_;
};

inline constexpr absl::Duration kHour = absl::Hours(1);

}  // namespace millrace::model
