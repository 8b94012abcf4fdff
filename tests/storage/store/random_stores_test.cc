// Drives a durable store and the model store with the same random verbs, and compares all that can be seen after each.
// MILLRACE_SEED=n runs one seed more; a failure names the seed and the step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/repeats.h"
#include "tests/storage/store/random_stores.h"

namespace millrace::store {
namespace {

using ::millrace::testing::Describe;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobPtr;

std::vector<uint64_t> Seeds() {
  std::vector<uint64_t> seeds = {1, 2, 3};
  uint64_t seed = 0;
  const char* wanted = std::getenv("MILLRACE_SEED");
  if (wanted != nullptr && absl::SimpleAtoi(wanted, &seed)) seeds.push_back(seed);
  return seeds;
}

class RandomStoresTest : public ::testing::TestWithParam<std::tuple<StoreKind, uint64_t>>, protected RandomStores {
 protected:
  RandomStoresTest() : RandomStores(std::get<0>(GetParam())) {}

  void Run() {
    const uint64_t seed = std::get<1>(GetParam());
    random_.seed(seed);
    Reopen();
    for (int step = 0; step < kSteps && !HasFailure(); ++step) {
      SCOPED_TRACE(absl::StrCat("MILLRACE_SEED=", seed, ", step ", step));
      clock_.Advance(absl::Milliseconds(Below(3)));
      // Jobs end and are left behind; new ones take their place.
      oldest_job_ = step / kStepsPerJob;
      Step();
      if (step % 20 == 0) CompareEverything();
    }
    SCOPED_TRACE(absl::StrCat("MILLRACE_SEED=", seed, ", the end"));
    Reopen();
    CompareEverything();
    EXPECT_GT(commits_, kSteps / 20) << "the run was too dull to show anything";
    EXPECT_GT(resolutions_, kSteps / 100);
    EXPECT_GT(repetitions_, kSteps / 200);
  }

 private:
  void Step() {
    switch (Below(26)) {
      case 0:
        return CreateVersion();
      case 1:
        return OneIn(3) ? DeleteVersion() : CreateVersion();
      case 2:
      case 3:
        return CreateJob();
      case 4:
      case 5:
      case 6:
      case 7:
        return Push();
      case 8:
      case 9:
      case 10:
      case 11:
      case 12:
        return Commit();
      case 13:
        return Acknowledge();
      case 14:
        return Tune();
      case 15:
        return OneIn(2) ? Pause() : Resume();
      case 16:
        return OneIn(3) ? EndJob() : CompareLists();
      case 17:
      case 18:
      case 19:
      case 20:
        return Resolve();
      case 21:
        return TakeUp();
      case 22:
      case 23:
      case 24:
        return Repeat();
      default:
        return OneIn(6) ? Reopen() : CompareLists();
    }
  }

  void CreateVersion() {
    model::ServiceVersion version = ExampleVersion(SomeVersion(), SomeService());
    version.version_id = absl::StrCat("version-", ++versions_made_);
    version.service_id = absl::StrCat("service-", versions_made_);
    if (OneIn(4)) version.config_hash = "another-hash";
    OnBoth("CreateServiceVersion", [&](JobStore& store) { return store.CreateServiceVersion(version); });
  }

  void DeleteVersion() {
    model::ServiceReference reference;
    reference.service = SomeService();
    reference.version = SomeVersion();
    OnBoth("DeleteServiceVersion", [&](JobStore& store) { return store.DeleteServiceVersion(kTenantName, reference); });
  }

  void CreateJob() {
    const absl::StatusOr<model::ServiceVersion> version =
        model_->GetServiceVersion(kTenantName, {SomeService(), "", ""});
    model::Job job = ExampleJob(SomeJob().job_id);
    job.version_id = version.ok() ? version->version_id : "none";
    job.service = version.ok() ? version->service : "none";
    job.options.input_buffer_bytes = 100 + Below(100);
    job.options.stop_on_error = OneIn(8);
    if (OneIn(3)) job.options.max_failed_ratio = 0.6;
    job.options.min_records_for_ratio = Below(12);
    if (OneIn(3)) job.options.unique_key = absl::StrCat("key-", Below(2));
    if (OneIn(3)) job.request_id = absl::StrCat("request-", Below(20));
    job.request_hash = absl::StrCat("hash-", Below(2));
    OnBoth("CreateJob", [&](JobStore& store) { return store.CreateJob(job); });
  }

  void Push() {
    const JobKey job = SomeJob();
    std::vector<model::NewChunk> chunks;
    const int64_t first = Below(40);
    for (int64_t i = 0; i <= Below(3); ++i) {
      const auto records = static_cast<int32_t>(1 + first % 3 + (OneIn(20) ? 1 : 0));
      chunks.push_back(ExampleChunk(absl::StrCat("c", first + i), records));
    }
    OnBoth("PushChunks", [&](JobStore& store) {
      return Await<PushReceipt>([&](auto done) { store.PushChunks({job, chunks}, std::move(done)); });
    });
    Compare(job);
  }

  void Commit() {
    const JobKey job = SomeJob();
    const absl::StatusOr<JobPtr> stored = model_->GetJob(job);
    const int64_t last = stored.ok() ? (*stored)->last_sequence : 0;
    const int64_t sequence = OneIn(4) ? 1 + Below(last + 1) : NextWaiting(job, last);
    const absl::StatusOr<model::ChunkInput> input = model_->ReadChunk(job, sequence);
    const int32_t records = input.ok() ? input->chunk.record_count : 1;
    model::ChunkCommit commit = ExampleCommit(job, sequence, records, static_cast<int32_t>(Below(records + 1)));
    commit.worker = absl::StrCat("worker-", Below(3));
    commit.outcome.labels = {{.index = records - 1, .label = absl::StrCat("LABEL-", Below(4)), .count = 1}};
    for (model::RecordFailure& failure : commit.outcome.failures) {
      failure.held = Below(4) == 0;
      failure.message = absl::StrCat(OneIn(2) ? "size " : "speed ", Below(100));
    }
    const int64_t epochs_ago = OneIn(20) ? 1 : 0;
    OnBoth("CommitChunk", [&](JobStore& store) {
      model::ChunkCommit own = commit;
      own.epoch = store.epoch() - epochs_ago;
      auto committed = Await<JobPtr>([&](auto done) { store.CommitChunk(std::move(own), std::move(done)); });
      if (committed.ok() && &store == model_.get()) ++commits_;
      return committed;
    });
    Compare(job);
  }

  /// The first or second chunk that is not committed, or the one behind the last.
  int64_t NextWaiting(const JobKey& job, int64_t last) {
    int64_t to_skip = Below(2);
    for (int64_t sequence = 1; sequence <= last; ++sequence) {
      const absl::StatusOr<model::ChunkInput> input = model_->ReadChunk(job, sequence);
      if (input.ok() && input->chunk.state == model::ChunkState::kPending && to_skip-- == 0) return sequence;
    }
    return last + 1;
  }

  void Acknowledge() {
    const JobKey job = SomeJob();
    const absl::StatusOr<JobPtr> stored = model_->GetJob(job);
    const int64_t cursor = Below((stored.ok() ? (*stored)->last_result : 0) + 3) - 1;
    OnBoth("Acknowledge", [&](JobStore& store) { return store.Acknowledge(job, cursor, "cursor"); });
    Compare(job);
  }

  void Resolve() {
    const JobKey job = SomeJob();
    ResolveExceptions request{.job = job, .kind = static_cast<model::ResolutionKind>(1 + Below(5))};
    request.chunk.id = absl::StrCat("rerun-", ++reruns_made_);
    const auto all = model_->ListExceptions({.job = job});
    if (all.ok()) {
      for (const model::RecordException& exception : all->items) {
        const bool open = exception.resolution.state == model::ExceptionState::kUnresolved;
        if (request.exceptions.size() < 3 && (open ? OneIn(2) : OneIn(30))) {
          request.exceptions.push_back(exception.place());
        }
      }
    }
    if (request.exceptions.empty() || OneIn(20)) request.exceptions.push_back({1 + Below(3), 9});
    for (size_t i = 0; i < request.exceptions.size(); ++i) {
      request.chunk.record_count += 1;
      request.chunk.json_lines += "{\"n\":1}\n";
      request.outputs_json_lines += "{\"m\":3}\n";
    }
    if (request.kind == model::ResolutionKind::kAnswer) {
      request.answer = "yes";
      request.chunk.answers = {{.index = 0, .node = "calculate", .question = "may it?", .answer = "yes"}};
    }
    request.resolved_by = "somebody";
    request.note = OneIn(2) ? "why" : "";
    OnBoth("ResolveExceptions", [&](JobStore& store) {
      auto resolved = store.ResolveExceptions(request);
      if (resolved.ok() && &store == model_.get()) ++resolutions_;
      return resolved;
    });
    Compare(job);
  }

  /// Only where no lease of the job can be out: what is committed afterwards was given anew.
  void TakeUp() {
    const JobKey job = SomeJob();
    OnBoth("TakeUpJob", [&](JobStore& store) -> absl::StatusOr<JobPtr> {
      const absl::StatusOr<JobPtr> seen = store.GetJob(job);
      return seen.ok() ? store.TakeUpJob(*seen, "ann") : seen;
    });
    Compare(job);
  }

  /// A run of records of some committed chunk that succeeded and are not repeated yet.
  void Repeat() {
    JobKey job = SomeJob();
    // One that goes on, most often.
    for (int tries = 0; tries < 5 && model_->GetJob(job).ok(); ++tries) {
      const JobPtr stored = *model_->GetJob(job);
      if (stored->last_result > 0 && !model::IsFinal(stored->state)) break;
      job = SomeJob();
    }
    const auto results = model_->ReadResults(job, Below(4), 1, 1'000);
    if (!results.ok() || results->empty()) return;
    const model::ChunkResult& result = results->front();
    const auto repeats = model_->ListRepeats(job, result.sequence);
    ASSERT_THAT(repeats, IsOk());
    RepeatRecords request{.job = job, .repeats_seen = static_cast<int64_t>(repeats->size())};
    if (OneIn(10)) request.repeats_seen += 1;
    const std::vector<std::optional<model::RecordPlace>> repeated = model::RepeatsOf(*repeats, result.record_count);
    std::vector<model::RecordPlace> places;
    for (int32_t i = 0; i < result.record_count; ++i) {
      const bool failed = std::ranges::find(result.errors, i, &model::ResultError::index) != result.errors.end();
      const bool is_free = !failed && (repeated.empty() || !repeated[static_cast<size_t>(i)].has_value());
      if (is_free && !OneIn(5)) places.push_back({result.sequence, i});
    }
    if (places.empty()) return;
    request.chunk = ExampleChunk(absl::StrCat("repeat-", ++reruns_made_), static_cast<int32_t>(places.size()));
    request.chunk.repeats = model::RunsOf(places);
    request.event = OneIn(2) ? "the fixed code" : "";
    request.by = "ann";
    OnBoth("RepeatRecords", [&](JobStore& store) {
      auto repeated = store.RepeatRecords(request);
      if (repeated.ok() && &store == model_.get()) ++repetitions_;
      return repeated.ok() && *repeated == nullptr ? absl::StatusOr<JobPtr>(absl::AbortedError("null")) : repeated;
    });
    ExpectSameText("ListRepeats", [&](const JobStore& store) {
      std::string text;
      const auto listed = store.ListRepeats(job, result.sequence);
      for (const model::Chunk& chunk : listed.value_or(std::vector<model::Chunk>())) text += Describe(chunk);
      return text;
    });
    Compare(job);
  }

  void Pause() {
    const JobKey job = SomeJob();
    const std::string why = absl::StrCat("pause ", Below(3));
    OnBoth("PauseJob", [&](JobStore& store) { return store.PauseJob(job, why); });
    Compare(job);
  }

  void Resume() {
    const JobKey job = SomeJob();
    const bool ramp = OneIn(2);
    OnBoth("ResumeJob", [&](JobStore& store) { return store.ResumeJob(job, ramp); });
    Compare(job);
  }

  void Tune() {
    const JobKey job = SomeJob();
    model::JobUpdate update;
    if (OneIn(2)) update.name = absl::StrCat("name ", Below(3));
    if (OneIn(4)) update.max_workers = static_cast<int32_t>(1 + Below(4));
    if (OneIn(4)) update.records_per_second = static_cast<double>(Below(3));
    const absl::StatusOr<model::ServiceVersion> version =
        model_->GetServiceVersion(kTenantName, {SomeService(), SomeVersion(), ""});
    if (version.ok() && OneIn(2)) {
      update.version = model::JobUpdate::Version{version->version, version->version_id, version->config_hash};
    }
    if (OneIn(10)) update.version = model::JobUpdate::Version{"9.9.9", "none", "none"};
    OnBoth("UpdateJob", [&](JobStore& store) { return store.UpdateJob(job, update); });
    Compare(job);
  }

  void EndJob() {
    const JobKey job = SomeJob();
    const int64_t how = Below(9);
    if (how == 8) {
      OnBoth("FailJob", [&](JobStore& store) { return store.FailJob(job, "broken"); });
    } else if (how >= 6) {
      // What each store hands out itself; a job that it has seen change in between stays open.
      OnBoth("CloseIdleJob", [&](JobStore& store) {
        absl::StatusOr<JobPtr> seen = store.GetJob(job);
        if (!seen.ok() || how == 6) return seen;
        return store.CloseIdleJob(*seen);
      });
    } else if (how < 3) {
      OnBoth("CloseJob", [&](JobStore& store) { return store.CloseJob(job); });
    } else {
      OnBoth("CancelJob", [&](JobStore& store) { return store.CancelJob(job, absl::StrCat("why ", how), how == 5); });
    }
    Compare(job);
  }

  int versions_made_ = 0;
  int reruns_made_ = 0;
  int resolutions_ = 0;
  int commits_ = 0;
  int repetitions_ = 0;
};

TEST_P(RandomStoresTest, CannotBeToldFromTheModel) { Run(); }

INSTANTIATE_TEST_SUITE_P(Stores, RandomStoresTest,
                         ::testing::Combine(::testing::ValuesIn(DurableStores()), ::testing::ValuesIn(Seeds())),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param).name, "Seed", std::get<1>(info.param));
                         });

}  // namespace
}  // namespace millrace::store
