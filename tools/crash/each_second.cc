#include "tools/crash/each_second.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/crash/workload.h"
#include "tools/harness/kernel_timer.h"

namespace millrace::crash {
namespace {

constexpr char kId[] = "each-second";
// None of these numbers fails.
constexpr int64_t kRecords = 3;

class ScheduleCheck {
 public:
  ScheduleCheck(const client::Client& client, Verdict& verdict) : client_(client), verdict_(verdict) {}

  absl::Status Load() {
    v1::ListScheduleRunsRequest request;
    request.set_schedule_id(kId);
    return client_.AllScheduleRuns(request).ForEach([&](const v1::ScheduleRun& run) {
      runs_.insert(runs_.begin(), run);
      return absl::OkStatus();
    });
  }

  void CheckTimes() {
    if (runs_.empty()) Fault("has no run");
    for (size_t i = 1; i < runs_.size(); ++i) {
      const v1::ScheduleRun& before = runs_[i - 1];
      const v1::ScheduleRun& run = runs_[i];
      if (run.number() != before.number() + 1) Fault("has run ", run.number(), " behind ", before.number());
      const int64_t seconds = run.scheduled_time().seconds() - before.scheduled_time().seconds();
      if (seconds != 1 + run.missed()) {
        Fault("has run ", run.number(), " ", seconds, " s behind the one before, with ", run.missed(), " missed");
      }
    }
  }

  absl::Status CheckJobs() {
    for (const v1::ScheduleRun& run : runs_) {
      const bool has_job = run.state() == v1::SCHEDULE_RUN_STATE_COMPLETED;
      if (has_job == run.job_id().empty()) Fault("has run ", run.number(), " with job '", run.job_id(), "'");
      if (run.job_id().empty()) continue;
      if (!jobs_.insert(run.job_id()).second) Fault("has two runs of job ", run.job_id());
      v1::GetJobRequest request;
      request.set_job_id(run.job_id());
      const absl::StatusOr<v1::Job> job = client_.GetJob(request);
      if (absl::IsUnavailable(job.status())) return job.status();
      const bool is_whole = job.ok() && job->state() == v1::JOB_STATE_COMPLETED &&
                            job->summary().records_submitted() == kRecords &&
                            job->summary().records_completed() == kRecords;
      if (!is_whole) Fault("has job ", run.job_id(), ", which is not as its source says");
      verdict_.records += kRecords;
    }
    v1::ListJobsRequest request;
    request.set_project(kId);
    int64_t listed = 0;
    absl::Status walked = client_.AllJobs(request).ForEach([&](const v1::Job&) {
      ++listed;
      return absl::OkStatus();
    });
    // Runs that are no longer kept had jobs, too.
    const bool has_all = !runs_.empty() && runs_.front().number() == 1;
    if (has_all && listed != static_cast<int64_t>(jobs_.size())) {
      Fault("has ", jobs_.size(), " runs with a job, and there are ", listed, " jobs");
    }
    return walked;
  }

 private:
  template <typename... Parts>
  void Fault(const Parts&... parts) {
    verdict_.faults.push_back(absl::StrCat("schedule ", kId, ": ", parts...));
  }

  const client::Client& client_;
  Verdict& verdict_;
  std::vector<v1::ScheduleRun> runs_;
  std::set<std::string> jobs_;
};

}  // namespace

absl::Status StartEachSecond(const client::Client& client) {
  v1::CreateScheduleRequest request;
  request.set_schedule_id(kId);
  v1::ScheduleSpec& spec = *request.mutable_spec();
  spec.mutable_cron()->set_expression("* * * * * *");
  spec.mutable_job()->set_service(std::string(kServiceName));
  spec.mutable_job()->mutable_metadata()->set_project(kId);
  spec.mutable_job()->mutable_source()->mutable_range()->set_count(kRecords);
  return client.CreateSchedule(request).status();
}

absl::Status EndEachSecond(const client::Client& client) {
  v1::PauseScheduleRequest pause;
  pause.set_schedule_id(kId);
  v1::GetScheduleRequest get;
  get.set_schedule_id(kId);
  absl::StatusOr<v1::Schedule> schedule = client.PauseSchedule(pause);
  while (schedule.ok() && schedule->open_runs_size() > 0) {
    harness::PauseFor(absl::Milliseconds(20));
    schedule = client.GetSchedule(get);
  }
  return schedule.status();
}

absl::Status CheckEachSecond(const client::Client& client, Verdict& verdict) {
  ScheduleCheck check(client, verdict);
  if (absl::Status loaded = check.Load(); !loaded.ok()) return loaded;
  check.CheckTimes();
  return check.CheckJobs();
}

}  // namespace millrace::crash
