#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "tests/simulation/world/fault.h"
#include "tests/simulation/world/world.h"
#include "tests/support/factories.h"

namespace millrace::simulation {

using model::HasReason;
using model::Reason;
using store::Await;
using store::PushReceipt;

void World::NewJob() {
  model::Job job = millrace::testing::ExampleJob(absl::StrCat("job-", jobs_.size()));
  job.request_id = absl::StrCat("request-", jobs_.size());
  job.request_hash = "hash";
  job.options.max_workers = static_cast<int32_t>(1 + Below(4));
  job.options.initial_workers = job.options.max_workers;
  job.options.input_buffer_bytes = 60 + Below(200);
  job.options.output_buffer_bytes = 20 + Below(200);
  job.options.weight = static_cast<int32_t>(1 + Below(5));
  job.options.priority = static_cast<int32_t>(Below(3) - 1);
  if (OneIn(4)) job.options.throttle.delay_between_chunks = absl::Milliseconds(Below(100));
  if (OneIn(3)) job.options.idle_timeout = absl::Milliseconds(1'000 + Below(2'000));
  job.options.order_results = OneIn(3);
  if (OneIn(3)) job.options.ordering_key = "customer";
  job.options.retry = {4, absl::Milliseconds(1 + Below(100)), absl::Milliseconds(100 + Below(900))};
  job.options.stop_on_error = OneIn(10);
  if (OneIn(5)) {
    job.options.max_failed_ratio = 0.01 * static_cast<double>(Below(60));
    job.options.min_records_for_ratio = Below(20);
  }
  if (OneIn(4)) job.tenant = kOtherTenant;
  jobs_.push_back({.key = job.key(), .last_call_nanos = clock_.SteadyNanos()});
  // A caller that hears nothing asks again until it does.
  const absl::StatusOr<model::JobPtr> created = store_->CreateJob(job);
  if (!created.ok()) Fault("job ", job.id, " was refused: ", created.status().ToString());
  WatchWaiting();
}

void World::Contest() {
  constexpr int kPushes = 40;
  constexpr int kRounds = 400;
  std::vector<ClientJob*> jobs;
  for (int64_t i = 0; i < 2 + Below(2); ++i) {
    model::Job job = millrace::testing::ExampleJob(absl::StrCat("job-", jobs_.size()));
    job.request_id = absl::StrCat("request-", jobs_.size());
    job.request_hash = "hash";
    job.options.max_workers = 4 * static_cast<int32_t>(kWorkers);
    job.options.initial_workers = job.options.max_workers;
    job.options.input_buffer_bytes = 1 << 20;
    job.options.output_buffer_bytes = 1 << 20;
    job.options.weight = static_cast<int32_t>(1 + Below(5));
    job.options.priority = 2;
    job.options.retry = {4, absl::Milliseconds(1 + Below(100)), absl::Milliseconds(100 + Below(900))};
    jobs_.push_back({.key = job.key(), .last_call_nanos = clock_.SteadyNanos()});
    if (!store_->CreateJob(job).ok()) Fault("job ", job.id, " was refused");
    jobs.push_back(&jobs_.back());
  }
  for (int i = 0; i < kPushes; ++i) {
    for (ClientJob* job : jobs) PushNew(*job);
    CarryOut(static_cast<int64_t>(lane_.size()));
  }
  for (int i = 0; i < kRounds && fault_.empty(); ++i) {
    clock_.Advance(absl::Milliseconds(Below(20)));
    TakeChunk();
    EndChunk(workers_[static_cast<size_t>(Below(kWorkers))]);
    if (OneIn(4)) CommitLate();
    CarryOut(static_cast<int64_t>(lane_.size()));
  }
}

void World::Call(ClientJob& job) {
  job.last_call_nanos = clock_.SteadyNanos();
  activity_->OnUse(job.key);
}

void World::PushNew(ClientJob& job) {
  Call(job);
  std::vector<size_t> indices;
  for (int64_t i = Below(3); i >= 0; --i) {
    ClientChunk chunk;
    chunk.content =
        millrace::testing::ExampleChunk(absl::StrCat("c", job.chunks.size()), static_cast<int32_t>(1 + Below(3)));
    chunk.failing = OneIn(3) ? static_cast<int32_t>(Below(chunk.content.record_count + 1)) : 0;
    // How the worker learns how many are to fail.
    chunk.content.parameters_json = "{" + std::string(static_cast<size_t>(chunk.failing), ' ') + "}";
    indices.push_back(job.chunks.size());
    job.chunks.push_back(std::move(chunk));
  }
  std::vector<model::NewChunk> contents;
  contents.reserve(indices.size());
  for (const size_t index : indices) contents.push_back(job.chunks[index].content);
  Submit([this, &job, indices, contents = std::move(contents)](Fate fate) {
    if (fate == Fate::kRefused) return;
    const auto receipt = Await<PushReceipt>([&](auto done) {
      store_->PushChunks({job.key, contents}, std::move(done));
    });
    if (receipt.ok() && (job.closed || job.cancelled)) Fault("job ", job.key.job_id, " took a chunk after its end");
    if (fate == Fate::kAnswered) LearnPushed(job, indices, receipt);
  });
}

void World::PushAgain(ClientJob& job) {
  Call(job);
  if (job.chunks.empty()) return;
  const auto index = static_cast<size_t>(Below(static_cast<int64_t>(job.chunks.size())));
  Submit([this, &job, index, content = job.chunks[index].content](Fate fate) {
    if (fate == Fate::kRefused) return;
    const int64_t known = job.chunks[index].sequence;
    const auto receipt = Await<PushReceipt>([&](auto done) {
      store_->PushChunks({job.key, {content}}, std::move(done));
    });
    if (known != 0) {
      ++tally_.duplicates;
      const bool same = receipt.ok() && receipt->chunks[0].duplicate && receipt->chunks[0].sequence == known;
      if (!same) Fault("chunk ", content.id, " of ", job.key.job_id, " was acknowledged and is not known any more");
    }
    if (fate == Fate::kAnswered) LearnPushed(job, {index}, receipt);
  });
}

void World::PushOther(ClientJob& job) {
  Call(job);
  if (job.chunks.empty()) return;
  const auto index = static_cast<size_t>(Below(static_cast<int64_t>(job.chunks.size())));
  if (job.chunks[index].sequence == 0) return;
  model::NewChunk other = job.chunks[index].content;
  other.json_lines.replace(other.json_lines.find('1'), 1, "2");
  Submit([this, &job, other = std::move(other)](Fate fate) {
    if (fate == Fate::kRefused) return;
    const auto receipt = Await<PushReceipt>([&](auto done) {
      store_->PushChunks({job.key, {other}}, std::move(done));
    });
    if (!HasReason(receipt.status(), Reason::kChunkIdTaken)) {
      Fault("other bytes under the id ", other.id, " of ", job.key.job_id, ": ", receipt.status().ToString());
    }
  });
}

void World::LearnPushed(ClientJob& job, const std::vector<size_t>& indices,
                        const absl::StatusOr<PushReceipt>& receipt) {
  if (!receipt.ok()) return;
  for (size_t i = 0; i < indices.size(); ++i) {
    ClientChunk& chunk = job.chunks[indices[i]];
    const model::PushedChunk& pushed = receipt->chunks[i];
    if (chunk.sequence != 0 && chunk.sequence != pushed.sequence) {
      Fault("chunk ", pushed.id, " of ", job.key.job_id, " had sequence ", chunk.sequence, " and has ",
            pushed.sequence);
    }
    if (chunk.sequence == 0) tally_.records += chunk.content.record_count;
    chunk.sequence = pushed.sequence;
  }
}

void World::Pull(ClientJob& job) {
  Call(job);
  const int64_t after = Below(static_cast<int64_t>(job.pulled.size()) + 1);
  const auto results = store_->ReadResults(job.key, after, static_cast<int32_t>(1 + Below(10)), 1'000'000);
  if (!results.ok()) return Fault("results cannot be read: ", results.status().ToString());
  for (const model::ChunkResult& result : *results) {
    const auto place = static_cast<size_t>(result.number - 1);
    if (place < job.pulled.size() && job.pulled[place] != result.chunk_id) {
      Fault("result ", result.number, " of ", job.key.job_id, " was chunk ", job.pulled[place], " and is ",
            result.chunk_id);
    }
    if (place == job.pulled.size()) job.pulled.push_back(result.chunk_id);
  }
}

void World::Acknowledge(ClientJob& job) {
  Call(job);
  // Also cursors that are behind the last one: calls overtake each other.
  const int64_t cursor = Below(static_cast<int64_t>(job.pulled.size()) + 1);
  Submit([this, &job, cursor](Fate fate) {
    if (fate == Fate::kRefused) return;
    const absl::StatusOr<model::JobPtr> acknowledged = store_->Acknowledge(job.key, cursor, "cursor");
    if (!acknowledged.ok()) {
      return Fault("result ", cursor, " of ", job.key.job_id,
                   " was pulled and cannot be acknowledged: ", acknowledged.status().ToString());
    }
    if (fate == Fate::kAnswered && !job.asked_force) job.acknowledged = std::max(job.acknowledged, cursor);
  });
}

void World::Close(ClientJob& job) {
  Submit([this, &job](Fate fate) {
    if (fate == Fate::kRefused) return;
    const absl::StatusOr<model::JobPtr> closed = store_->CloseJob(job.key);
    if (fate == Fate::kAnswered && closed.ok()) job.closed = true;
  });
}

void World::Cancel(ClientJob& job) {
  const bool force = OneIn(2);
  job.asked_force = job.asked_force || force;
  Submit([this, &job, force](Fate fate) {
    if (fate == Fate::kRefused) return;
    const absl::StatusOr<model::JobPtr> cancelled = store_->CancelJob(job.key, "enough", force);
    if (fate == Fate::kAnswered && cancelled.ok()) job.cancelled = true;
  });
}

void World::TakeUpOrQuarrel(ClientJob& job) {
  TakeUp(job);
  if (OneIn(2)) return;
  // Three callers who do not know of each other: who takes it up last has seen an end that is not the last one.
  Cancel(job);
  TakeUp(job);
}

// As RetryJob does: a job that has ended early, of which no chunk is on its way.
void World::TakeUp(ClientJob& job) {
  const absl::StatusOr<model::JobPtr> stored = store_->GetJob(job.key);
  if (!stored.ok() || model::ChunksSkipped(**stored) == 0 || scheduler_->in_flight(job.key) > 0) return;
  job.asked_take_up = true;
  Submit([this, &job, seen = *stored](Fate fate) {
    if (fate == Fate::kRefused) return;
    const absl::StatusOr<model::JobPtr> before = store_->GetJob(job.key);
    const absl::StatusOr<model::JobPtr> taken_up = store_->TakeUpJob(seen);
    if (!taken_up.ok() || *taken_up == *before) return;
    // Its outcome may be refused before and counted as done after.
    if (scheduler_->in_flight(job.key) > 0) Fault("job ", job.key.job_id, " was taken up while a chunk of it ran");
    ++tally_.taken_up;
    job.cancelled = false;
    job.closed = true;
    // The scheduler has forgotten what was handed back before.
    std::erase_if(backing_off_, [&job](const auto& entry) { return entry.first.first == job.key.job_id; });
  });
}

}  // namespace millrace::simulation
