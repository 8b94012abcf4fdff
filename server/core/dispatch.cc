#include "server/core/dispatch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::core {
namespace {

constexpr absl::Duration kRampStep = absl::Seconds(1);

int64_t RampSteps(const JobDispatch& dispatch, absl::Time now) {
  if (dispatch.first_grant > now) return 0;
  absl::Duration rest;
  return absl::IDivDuration(now - dispatch.first_grant, kRampStep, &rest);
}

/// What the state of a job has to say; nothing where it may dispatch.
std::optional<Hold> HeldByState(const model::Job& job) {
  switch (job.state) {
    case model::JobState::kCreated:
      return Hold::kWaitingForPush;
    case model::JobState::kPaused:
      return Hold::kPaused;
    case model::JobState::kCompleted:
    case model::JobState::kCompletedByTimeout:
      return Hold::kComplete;
    case model::JobState::kCancelled:
      return Hold::kCancelled;
    case model::JobState::kFailed:
      return Hold::kFailed;
    case model::JobState::kInProgress:
    case model::JobState::kClosed:
    case model::JobState::kClosedByTimeout:
      return std::nullopt;
  }
  return Hold::kFailed;
}

/// The lowest chunk that was handed back and is ready by `now`; 0: none.
int64_t ReturnedChunk(const JobDispatch& dispatch, absl::Time now) {
  int64_t lowest = dispatch.returned.empty() ? 0 : dispatch.returned.begin()->first;
  for (const auto& [place, attempt] : dispatch.backing_off) {
    if (place.first > now) break;
    if (lowest == 0 || place.second < lowest) lowest = place.second;
  }
  return lowest;
}

/// A chunk that was handed out, is not over, and whose keys are not known; 0: none. A job in order has at most one: it was
/// the newest when it started.
int64_t ChunkWithoutKeys(const JobDispatch& dispatch) {
  for (const auto& [sequence, flight] : dispatch.flights) {
    if (!dispatch.order.Knows(sequence)) return sequence;
  }
  for (const auto& [sequence, attempt] : dispatch.returned) {
    if (!dispatch.order.Knows(sequence)) return sequence;
  }
  for (const auto& [place, attempt] : dispatch.backing_off) {
    if (!dispatch.order.Knows(place.second)) return place.second;
  }
  return 0;
}

/// One chunk after the other, each when the one before it is committed.
bool InOrder(const model::JobOptions& options) { return options.max_workers == 1; }

/// Whether the job may start a chunk, whichever it is.
Verdict DecideForJob(const JobDispatch& dispatch, const model::WorkerLabels& worker_labels, absl::Time now) {
  const model::JobOptions& options = dispatch.job->options;
  if (!options.worker_selector.empty() && !model::Matches(options.worker_selector, worker_labels)) {
    return {.hold = Hold::kNoMatchingWorker};
  }
  if (dispatch.job->output_buffer_used_bytes >= options.output_buffer_bytes) return {.hold = Hold::kOutputBufferFull};
  if (InOrder(options) && !dispatch.flights.empty()) return {.hold = Hold::kMaxWorkersReached};
  // Which later chunks must wait for it is not known before it is read. One that could not be read waits to be committed,
  // perhaps for a chunk that was handed back.
  const auto unread = dispatch.flights.find(dispatch.unread);
  if (unread != dispatch.flights.end() && !unread->second.ran) {
    return {.hold = Hold::kOrderingKeyHeld, .sequence = dispatch.unread, .unread = true};
  }
  if (dispatch.running >= options.max_workers) return {.hold = Hold::kMaxWorkersReached};
  if (dispatch.running >= WorkersAllowed(dispatch, now)) {
    return {.hold = Hold::kRamping, .until = dispatch.first_grant + kRampStep * (RampSteps(dispatch, now) + 1)};
  }
  // A chunk that was handed back is never held up by outcomes that wait: with ordered results they may wait for it.
  if (static_cast<int32_t>(dispatch.flights.size()) - dispatch.running >= kCommitsWaitingMax &&
      ReturnedChunk(dispatch, now) == 0) {
    const bool backs_off = !dispatch.backing_off.empty();
    return {.hold = Hold::kCommitsWaiting,
            .until = backs_off ? dispatch.backing_off.begin()->first.first : absl::InfiniteFuture()};
  }
  // A chunk whose size is not known yet could be any size: the next one waits until a worker has read it.
  if (options.throttle.records_per_second > 0 && dispatch.unsized > 0) return {.hold = Hold::kThrottled};
  if (now < dispatch.next_start) return {.hold = Hold::kThrottled, .until = dispatch.next_start};
  return {};
}

/// Which chunk the job would start.
Verdict DecideForChunk(const JobDispatch& dispatch, absl::Time now) {
  const model::Job& job = *dispatch.job;
  if (const int64_t returned = ReturnedChunk(dispatch, now); returned != 0) return {.sequence = returned};
  const bool is_far_ahead = dispatch.cursor >= job.watermark + model::kDispatchWindowChunks || dispatch.unread != 0 ||
                            dispatch.parked.size() >= kParkedChunksMax || dispatch.order.keys() >= kOrderedKeysMax;
  if (!is_far_ahead && dispatch.cursor < job.last_sequence && (!InOrder(job.options) || dispatch.backing_off.empty())) {
    return {.sequence = dispatch.cursor + 1};
  }
  if (!dispatch.backing_off.empty()) {
    const auto& [until, sequence] = dispatch.backing_off.begin()->first;
    return {.hold = Hold::kBackingOff, .sequence = sequence, .until = until};
  }
  if (!dispatch.parked.empty()) {
    return {.hold = Hold::kOrderingKeyHeld, .sequence = dispatch.order.Blocker(dispatch.parked.begin()->first)};
  }
  return {.hold = Hold::kEarlierChunks, .sequence = job.watermark + 1};
}

}  // namespace

bool HasKeyOrder(const model::JobOptions& options) { return !options.ordering_key.empty() && !InOrder(options); }

void TakeSnapshot(JobDispatch& dispatch, model::JobPtr job, absl::Time now) {
  const model::JobOptions& before = dispatch.job->options;
  const model::Throttle& throttle = job->options.throttle;
  if (throttle.records_per_second != before.throttle.records_per_second ||
      throttle.delay_between_chunks != before.throttle.delay_between_chunks) {
    dispatch.next_start = std::min(dispatch.next_start, now + throttle.delay_between_chunks);
  }
  if (job->ramps != dispatch.job->ramps) dispatch.first_grant = absl::InfiniteFuture();
  if (HasKeyOrder(job->options) && !HasKeyOrder(before)) dispatch.unread = ChunkWithoutKeys(dispatch);
  dispatch.job = std::move(job);
}

int32_t RampStart(const model::Job& job) {
  const bool has_none = job.options.initial_workers >= job.options.max_workers;
  return has_none && job.ramps > 0 ? 1 : job.options.initial_workers;
}

int32_t WorkersAllowed(const JobDispatch& dispatch, absl::Time now) {
  // kJobWorkersMax is 2^12.
  const int64_t steps = std::min<int64_t>(RampSteps(dispatch, now), 12);
  const int64_t ramped = int64_t{RampStart(*dispatch.job)} << steps;
  return static_cast<int32_t>(std::min<int64_t>(dispatch.job->options.max_workers, ramped));
}

Verdict Decide(const JobDispatch& dispatch, const model::WorkerLabels& worker_labels, absl::Time now) {
  if (const std::optional<Hold> held = HeldByState(*dispatch.job)) return {.hold = *held};
  if (dispatch.kept_back) return {.hold = Hold::kCommitting};
  if (dispatch.cursor >= dispatch.job->last_sequence && dispatch.returned.empty() && dispatch.backing_off.empty() &&
      dispatch.parked.empty()) {
    if (dispatch.running > 0) return {.hold = Hold::kRunning};
    return {.hold = dispatch.flights.empty() ? Hold::kWaitingForPush : Hold::kCommitting};
  }
  const Verdict verdict = DecideForJob(dispatch, worker_labels, now);
  return verdict.may_start() ? DecideForChunk(dispatch, now) : verdict;
}

Verdict DecideAbout(const JobDispatch& dispatch, const model::WorkerLabels& worker_labels, int64_t sequence,
                    bool committed, absl::Time now) {
  const model::Job& job = *dispatch.job;
  if (committed || sequence <= job.watermark) return {.hold = Hold::kDone, .sequence = sequence};
  if (const auto flight = dispatch.flights.find(sequence); flight != dispatch.flights.end()) {
    return {.hold = flight->second.ran ? Hold::kCommitting : Hold::kRunning, .sequence = sequence};
  }
  if (model::EndedEarly(job)) return {.hold = Hold::kSkipped, .sequence = sequence};
  if (dispatch.parked.contains(sequence)) {
    return {.hold = Hold::kOrderingKeyHeld, .sequence = dispatch.order.Blocker(sequence)};
  }
  bool comes_back = dispatch.returned.contains(sequence);
  for (const auto& [place, attempt] : dispatch.backing_off) {
    if (place.second != sequence) continue;
    if (place.first > now) return {.hold = Hold::kBackingOff, .sequence = sequence, .until = place.first};
    comes_back = true;
  }
  // Handed out and over: it was stored after `committed` was read.
  if (sequence <= dispatch.cursor && !comes_back) return {.hold = Hold::kDone, .sequence = sequence};
  const Verdict verdict = Decide(dispatch, worker_labels, now);
  if (!verdict.may_start() || verdict.sequence == sequence) return verdict;
  return {.hold = Hold::kEarlierChunks, .sequence = verdict.sequence};
}

int64_t ChunksAhead(const JobDispatch& dispatch, int64_t sequence) {
  int64_t ahead = 0;
  for (const auto& [returned, attempt] : dispatch.returned) ahead += sequence == 0 || returned < sequence ? 1 : 0;
  for (const auto& [parked, attempt] : dispatch.parked) ahead += sequence == 0 || parked < sequence ? 1 : 0;
  for (const auto& [place, attempt] : dispatch.backing_off) ahead += sequence == 0 || place.second < sequence ? 1 : 0;
  if (sequence > dispatch.cursor) return ahead + sequence - dispatch.cursor - 1;
  return sequence == 0 ? ahead + dispatch.job->last_sequence - dispatch.cursor : ahead;
}

}  // namespace millrace::core
