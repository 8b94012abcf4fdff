#include "server/execution/bulk_runner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/log.h"
#include "server/execution/ordering_keys.h"
#include "server/execution/text.h"
#include "storage/model/built_in.h"
#include "storage/model/bulk_rules.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"
#include "storage/model/schedule_rules.h"

namespace millrace::execution {
namespace {

using model::JobKey;
using model::JobPtr;

JobKey ParentOf(const model::Job& child) { return {child.tenant, child.parent.job_id}; }

/// No outcome of this job is taken any more.
bool RefusesOutcomes(const model::Job& job) {
  return job.state == model::JobState::kFailed ||
         (job.state == model::JobState::kCancelled && job.cancel_mode == model::CancelMode::kForce);
}

}  // namespace

std::string_view BulkRunner::Run::record() const {
  const std::string_view rest = std::string_view(input.json_lines).substr(offset);
  return rest.substr(0, rest.find('\n'));
}

BulkRunner::BulkRunner(core::LeaseHub& hub, store::JobStore& store, core::SubmitChild submit, std::string name)
    : hub_(hub), store_(store), submit_(std::move(submit)), name_(std::move(name)), ends_(hub, store) {}

void BulkRunner::Load(const std::vector<JobPtr>& unfinished) {
  std::vector<Errand> errands;
  for (const JobPtr& job : unfinished) {
    OnJobChanged(job);
    if (job->parent.job_id.empty()) continue;
    // The server may have died between the end of a bulk run and that of its jobs.
    const absl::StatusOr<JobPtr> parent = store_.GetJob(ParentOf(*job));
    if (!parent.ok() || !model::MustCancelChild(**parent, *job)) continue;
    errands.push_back({.kind = Errand::Kind::kCancel, .bulk_key = (*parent)->key(), .child_key = job->key()});
  }
  Add(std::move(errands));
}

void BulkRunner::OnJobChanged(const JobPtr& job) {
  const bool is_over = model::IsFinal(job->state);
  if (job->parent.job_id.empty() && !(is_over && model::IsBulkRun(*job))) return;
  std::vector<Errand> errands;
  {
    absl::MutexLock lock(&mutex_);
    if (!job->parent.job_id.empty()) {
      const auto siblings = children_.try_emplace(ParentOf(*job)).first;
      if (is_over) {
        siblings->second.erase(job->id);
        if (waiting_.contains(job->key())) {
          errands.push_back({.kind = Errand::Kind::kTakeOutcome, .child_key = job->key(), .child = job});
        }
      } else {
        siblings->second.insert(job->id);
      }
      if (siblings->second.empty()) children_.erase(siblings);
    }
    if (is_over && model::IsBulkRun(*job)) {
      const auto children = children_.find(job->key());
      if (children != children_.end() && job->state == model::JobState::kCancelled) {
        for (const std::string& child : children->second) {
          errands.push_back({.kind = Errand::Kind::kCancel, .bulk_key = job->key(), .child_key = {job->tenant, child}});
        }
        // Told once: the job may change many times more, with each outcome that is committed.
        children_.erase(children);
      }
      if (RefusesOutcomes(*job) && !waiting_.empty()) {
        errands.push_back({.kind = Errand::Kind::kLetGo, .bulk_key = job->key()});
      }
    }
  }
  if (is_over && model::IsBulkRun(*job)) ends_.EndJob(job->key());
  Add(std::move(errands));
}

void BulkRunner::Add(std::vector<Errand> errands) {
  const size_t count = errands.size();
  {
    absl::MutexLock lock(&mutex_);
    for (Errand& errand : errands) errands_.push_back(std::move(errand));
  }
  for (size_t i = 0; i < count; ++i) hub_.Nudge(core::LeaseKind::kJobs);
}

bool BulkRunner::Settle() {
  Errand errand{};
  {
    absl::MutexLock lock(&mutex_);
    if (errands_.empty()) return false;
    errand = std::move(errands_.front());
    errands_.pop_front();
  }
  switch (errand.kind) {
    case Errand::Kind::kTakeOutcome:
      if (RunPtr run = TakeWaiting(errand.child_key); run != nullptr) {
        TakeOutcome(*run, *errand.child);
        Continue(std::move(run));
      }
      break;
    case Errand::Kind::kCancel:
      Cancel(errand.child_key, errand.bulk_key);
      break;
    case Errand::Kind::kLetGo:
      LetGo(errand.bulk_key);
      break;
  }
  return true;
}

void BulkRunner::RetryRefused() {
  std::vector<Errand> again;
  {
    absl::MutexLock lock(&mutex_);
    again.swap(refused_);
  }
  Add(std::move(again));
}

void BulkRunner::Begin(const core::Lease& lease) {
  const JobKey key = lease.job->key();
  ends_.Begin(lease);
  absl::StatusOr<model::ChunkInput> input = store_.ReadChunk(key, lease.sequence);
  if (!input.ok()) return ends_.CannotRead(lease, worker(), input.status());
  if (input->chunk.state == model::ChunkState::kCommitted) return ends_.PassOver(lease);
  if (lease.needs_keys) {
    const auto keys = OrderingKeys(input->json_lines, input->chunk.record_count, lease.job->options.ordering_key);
    if (!hub_.MayRun(lease, DifferentKeys(keys))) return ends_.Park(lease);
  }
  hub_.Sized(lease, input->chunk.record_count);
  Continue(std::make_unique<Run>(
      Run{.lease = lease, .input = *std::move(input), .outcome = BulkOutcome(lease.job->selected_outputs)}));
}

void BulkRunner::Continue(RunPtr run) {
  while (run != nullptr && run->index < run->input.chunk.record_count) {
    if (!MaySubmit(run)) continue;
    const model::Job& bulk = *run->lease.job;
    const absl::StatusOr<core::Child> child = submit_({.bulk = bulk,
                                                       .place = {.job_id = bulk.id,
                                                                 .job_create_time = bulk.create_time,
                                                                 .sequence = run->lease.sequence,
                                                                 .index = run->index,
                                                                 .attempt = run->attempt,
                                                                 .depth = bulk.parent.depth + 1},
                                                       .json = run->record(),
                                                       .chunk_parameters_json = run->input.chunk.parameters_json});
    if (child.ok()) {
      run->attempts_max = child->attempts_max;
      run = AwaitChild(std::move(run), child->job);
    } else if (model::MayPass(child.status()) &&
               (LeaseEnds::IsOfTheDisk(child.status()) || LeaseEnds::HasAttemptsLeft(run->lease))) {
      return ends_.Postpone(run->lease, "submit the jobs of", child.status());
    } else {
      run->outcome.AddRefused(run->record(), child.status(), run->attempt);
      NextRecord(*run);
    }
  }
  if (run == nullptr) return;
  ends_.Commit(run->lease, std::move(run->outcome).Finish(run->input.chunk.summary), worker());
}

bool BulkRunner::MaySubmit(RunPtr& run) {
  const absl::StatusOr<JobPtr> bulk = store_.GetJob(run->lease.job->key());
  if (bulk.ok() && !model::IsFinal((*bulk)->state)) return true;
  if (run->index == 0 || !bulk.ok() || RefusesOutcomes(**bulk)) {
    // Nothing of it ran, so that it is skipped; or nobody wants to know.
    ends_.Done(run->lease);
    run = nullptr;
    return false;
  }
  run->outcome.AddCancelled(run->record());
  NextRecord(*run);
  return false;
}

BulkRunner::RunPtr BulkRunner::AwaitChild(RunPtr run, const JobPtr& child) {
  const JobKey bulk_key = run->lease.job->key();
  {
    absl::MutexLock lock(&mutex_);
    waiting_.emplace(child->key(), std::move(run));
  }
  // Either may have ended before there was anybody to be told.
  if (const absl::StatusOr<JobPtr> bulk = store_.GetJob(bulk_key); bulk.ok() && model::IsFinal((*bulk)->state)) {
    LetGo(bulk_key);
    Cancel(child->key(), bulk_key);
  }
  const absl::StatusOr<JobPtr> now = model::IsFinal(child->state) ? child : store_.GetJob(child->key());
  if (now.ok() && !model::IsFinal((*now)->state)) return nullptr;
  run = TakeWaiting(child->key());
  if (run == nullptr) return nullptr;
  if (!now.ok()) {
    // Its end may never be told again.
    ends_.Postpone(run->lease, "wait for the jobs of", now.status());
    return nullptr;
  }
  TakeOutcome(*run, **now);
  return run;
}

void BulkRunner::TakeOutcome(Run& run, const model::Job& child) const {
  const bool may_try_again = run.attempt < run.attempts_max && !ends_.IsOver(run.lease.job->key());
  if (may_try_again && JudgeChild(child).may_try_again) {
    ++run.attempt;
    return;
  }
  run.outcome.AddChild(run.record(), child, run.attempt);
  NextRecord(run);
}

void BulkRunner::NextRecord(Run& run) {
  run.offset += run.record().size() + 1;
  ++run.index;
  run.attempt = 1;
}

void BulkRunner::Cancel(const JobKey& child_key, const JobKey& bulk_key) {
  // As they are now: the bulk run may have been taken up again since it was cancelled.
  const absl::StatusOr<JobPtr> child = store_.GetJob(child_key);
  const absl::StatusOr<JobPtr> bulk = store_.GetJob(bulk_key);
  if (!child.ok() || !bulk.ok() || !model::MustCancelChild(**bulk, **child)) return;
  const model::Job* const parent = bulk->get();
  const std::string why = absl::StrCat("bulk run ", parent->id, " was cancelled",
                                       parent->state_reason.empty() ? "" : ": ", parent->state_reason);
  const absl::StatusOr<JobPtr> cancelled = store_.CancelJob(child_key, CleanText(why, model::kMetadataBytesMax),
                                                            parent->cancel_mode == model::CancelMode::kForce);
  if (cancelled.ok() || model::HasReason(cancelled.status(), model::Reason::kPipelineNotFound)) return;
  // It ended by itself in between.
  if (model::HasReason(cancelled.status(), model::Reason::kPipelineClosed)) return;
  core::Log(spdlog::level::err, absl::StrCat("cannot be cancelled with its bulk run: ", cancelled.status().message()),
            {{"job_id", child_key.job_id}});
  absl::MutexLock lock(&mutex_);
  refused_.push_back({.kind = Errand::Kind::kCancel, .bulk_key = bulk_key, .child_key = child_key});
}

void BulkRunner::LetGo(const JobKey& bulk) {
  // As it is now: what is leased again after it was taken up must not be let go of.
  const absl::StatusOr<JobPtr> now = store_.GetJob(bulk);
  if (now.ok() && !RefusesOutcomes(**now)) return;
  std::vector<RunPtr> useless;
  {
    absl::MutexLock lock(&mutex_);
    absl::erase_if(waiting_, [&](auto& entry) {
      if (entry.second->lease.job->key() != bulk) return false;
      useless.push_back(std::move(entry.second));
      return true;
    });
  }
  for (const RunPtr& run : useless) ends_.Done(run->lease);
}

BulkRunner::RunPtr BulkRunner::TakeWaiting(const JobKey& child) {
  absl::MutexLock lock(&mutex_);
  const auto found = waiting_.find(child);
  if (found == waiting_.end()) return nullptr;
  RunPtr run = std::move(found->second);
  waiting_.erase(found);
  return run;
}

void BulkRunner::Stop() {
  absl::flat_hash_map<JobKey, RunPtr> waiting;
  {
    absl::MutexLock lock(&mutex_);
    waiting.swap(waiting_);
  }
  for (const auto& [child, run] : waiting) ends_.Done(run->lease);
  ends_.GiveUp();
}

}  // namespace millrace::execution
