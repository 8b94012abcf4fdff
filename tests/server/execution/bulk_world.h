// Bulk runs step by step, without threads and without the rest of the server. A record is a word that says what becomes of its
// job: `ok` succeeds, `bad` fails, `stay` goes on until a test ends it, `no` is refused for good, `later` is refused for now,
// `full` succeeds once there is room on the disk, and `bulk WORD...` is a bulk run of such words. A word may bear a name: `ok:a`.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/core/lease_hub.h"
#include "server/execution/bulk_runner.h"
#include "storage/model/built_in.h"
#include "storage/model/bulk_rules.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/store/model_job_store.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::execution {

class BulkWorld : public ::testing::Test, public store::JobObserver {
 protected:
  BulkWorld() { Use(store::MakeModelJobStore(&clock_)); }
  ~BulkWorld() override { Die(); }

  /// Another store, or the same after a restart: hub and runner know nothing any more.
  void Use(std::unique_ptr<store::JobStore> store) {
    Die();
    store_ = std::move(store);
    // There already after a restart.
    ASSERT_THAT(store_->CreateServiceVersion(testing::ExampleVersion()), testing::IsOk());
    Serve();
  }
  void RestartModelStore() {
    runner_->Stop();
    store::ReopenModelJobStore(*store_);
    Serve();
  }
  /// The store goes first: commits that come late call back.
  void Die() {
    if (runner_ != nullptr) runner_->Stop();
    store_.reset();
    runner_.reset();
    hub_.reset();
  }

  void OnJobChanged(const model::JobPtr& job) override {
    hub_->OnJobChanged(job);
    runner_->OnJobChanged(job);
  }

  /// A bulk run of these records, a chunk each, closed. The call can be repeated.
  absl::StatusOr<model::JobPtr> CreateBulk(model::Job bulk, const std::vector<std::string>& words) {
    const model::ServiceVersion& jobs = model::JobsService();
    bulk.service = jobs.service;
    bulk.service_version = jobs.version;
    bulk.version_id = jobs.version_id;
    bulk.config_hash = jobs.config_hash;
    auto created = store_->CreateJob(std::move(bulk));
    if (!created.ok() || words.empty()) return created;
    store::PushChunks push{.job = (*created)->key(), .chunks = {}};
    push.chunks.reserve(words.size());
    for (const std::string& word : words) {
      push.chunks.push_back(
          {.id = absl::StrCat("c", push.chunks.size()), .json_lines = word + "\n", .record_count = 1});
    }
    auto pushed =
        store::Await<store::PushReceipt>([&](auto done) { store_->PushChunks(std::move(push), std::move(done)); });
    if (!pushed.ok() && !model::HasReason(pushed.status(), model::Reason::kPipelineClosed)) return pushed.status();
    return store_->CloseJob((*created)->key());
  }
  model::JobKey Bulk(const std::vector<std::string>& words, model::JobOptions options = {},
                     const std::string& id = "bulk") {
    model::Job bulk = testing::ExampleJob(id);
    bulk.selected_outputs.clear();
    options.max_workers = std::max(options.max_workers, 1);
    options.initial_workers = options.max_workers;
    bulk.options = std::move(options);
    auto created = CreateBulk(std::move(bulk), words);
    EXPECT_THAT(created, testing::IsOk());
    return Key(id);
  }
  static model::JobOptions SideBySide(int32_t workers) {
    model::JobOptions options;
    options.max_workers = workers;
    return options;
  }

  /// Ends jobs as their words say, and goes on until nothing moves.
  void Drive() {
    for (bool moved = true; moved;) {
      moved = false;
      while (runner_->Settle()) moved = true;
      for (const model::JobPtr& job : store_->ActiveJobs()) {
        if (model::IsBulkRun(*job)) {
          moved = TakeLeases(job) || moved;
        } else {
          moved = EndAsItsWordSays(*job) || moved;
        }
      }
    }
  }

  static model::JobKey Key(const std::string& id) { return {std::string(testing::kTenant), id}; }
  model::JobPtr Job(const std::string& id) const { return *store_->GetJob(Key(id)); }
  model::JobState StateOf(const std::string& id) const { return Job(id)->state; }

  /// Every child there ever was, by what it is called: its state. A name that two have gets a `!`.
  std::map<std::string, model::JobState> Children(const std::string& bulk = "bulk") const {
    store::ListJobsQuery query{.tenant = std::string(testing::kTenant), .page_size = 1'000};
    query.parent_job_id = bulk;
    std::map<std::string, model::JobState> children;
    const auto page = store_->ListJobs(query);
    EXPECT_THAT(page, testing::IsOk());
    for (const model::JobPtr& job : page->items) {
      std::string name = job->metadata.name;
      if (children.contains(name)) name += "!";
      children[name] = job->state;
    }
    return children;
  }
  std::string IdOf(const std::string& name) const {
    for (const model::JobPtr& job : store_->ActiveJobs()) {
      if (job->metadata.name == name) return job->id;
    }
    return "";
  }

  /// `CODE` of the record of each chunk of the bulk run, in the order of the chunks; `OK` where it succeeded.
  std::vector<std::string> Outcomes(const std::string& bulk = "bulk") const {
    std::map<int64_t, std::string> by_sequence;
    const auto results = store_->ReadResults(Key(bulk), 0, 1'000, 1'000'000);
    EXPECT_THAT(results, testing::IsOk());
    for (const model::ChunkResult& result : *results) {
      by_sequence[result.sequence] = result.errors.empty() ? "OK" : result.errors[0].code;
    }
    std::vector<std::string> outcomes;
    for (const auto& [sequence, outcome] : by_sequence) outcomes.push_back(outcome);
    return outcomes;
  }

  model::ManualClock clock_{testing::At(0)};
  std::unique_ptr<store::JobStore> store_;
  std::unique_ptr<core::LeaseHub> hub_;
  std::unique_ptr<BulkRunner> runner_;
  /// Attempts that a record may have.
  int32_t attempts_max_ = 1;
  int submissions_ = 0;
  bool is_disk_full_ = false;

 private:
  void Serve() {
    runner_.reset();
    hub_ = std::make_unique<core::LeaseHub>(store_->epoch(), clock_);
    runner_ = std::make_unique<BulkRunner>(
        *hub_, *store_, [this](const core::ChildRecord& record) { return Submit(record); }, "server-1");
    store_->SetObserver(this);
    for (const model::JobPtr& job : store_->ActiveJobs()) hub_->OnJobChanged(job);
    runner_->Load(store_->ActiveJobs());
  }

  absl::StatusOr<core::Child> Submit(const core::ChildRecord& record) {
    ++submissions_;
    const std::string word(record.json);
    if (absl::StartsWith(word, "no")) return model::MakeError(model::Reason::kServiceNotFound, "no such service");
    if (absl::StartsWith(word, "later")) return model::MakeError(model::Reason::kSourceConnectionFailed, "no database");
    if (absl::StartsWith(word, "full") && is_disk_full_) {
      return model::MakeError(model::Reason::kStorageFull, "no room");
    }
    const std::string request_id = model::ChildRequestId(record.place);
    auto earlier = store_->FindRequest(record.bulk.tenant, request_id);
    if (!earlier.ok()) return earlier.status();
    // As a server does: each submission has a new id.
    model::Job job = testing::ExampleJob(absl::StrCat("job-", submissions_, "-", store_->epoch()));
    if (*earlier != nullptr) job.id = (*earlier)->id;
    job.metadata.name = word;
    job.parent = record.place;
    job.request_id = request_id;
    job.request_hash = request_id;
    job.options.max_workers = 2;
    job.options.initial_workers = 2;
    std::vector<std::string> words;
    if (absl::StartsWith(word, "bulk ")) {
      job.metadata.name = word.substr(5);
      words = absl::StrSplit(job.metadata.name, ' ');
    }
    auto created = words.empty() ? store_->CreateJob(std::move(job)) : CreateBulk(std::move(job), words);
    if (!created.ok()) return created.status();
    return core::Child{*created, attempts_max_};
  }

  /// Waits for commits that are on their way.
  bool TakeLeases(const model::JobPtr& bulk) {
    bool moved = false;
    for (;;) {
      const auto now = store_->GetJob(bulk->key());
      if (!now.ok()) return moved;
      const core::Standing standing = hub_->Explain(*now, 0, false);
      if (standing.verdict.may_start()) {
        // Empty-handed where something is to be settled first.
        if (const auto lease = hub_->Acquire(core::LeaseKind::kJobs); lease.has_value()) runner_->Begin(*lease);
        while (runner_->Settle()) {
        }
        moved = true;
      } else if (standing.committing == 0) {
        return moved;
      } else {
        std::this_thread::yield();
        moved = true;
      }
    }
  }

  bool EndAsItsWordSays(const model::Job& job) {
    const std::string& word = job.metadata.name;
    if (absl::StartsWith(word, "ok") || absl::StartsWith(word, "full")) return store_->CloseJob(job.key()).ok();
    if (absl::StartsWith(word, "bad")) return store_->FailJob(job.key(), "it is bad").ok();
    return false;
  }
};

}  // namespace millrace::execution
