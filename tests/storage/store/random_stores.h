// A durable store and the model store side by side, for tests that drive both with the same random verbs: what each verb
// answers, and all that can be seen afterwards, must be the same.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/job_rules.h"
#include "storage/store/model_job_store.h"
#include "tests/storage/store/job_store_fixture.h"
#include "tests/storage/store/store_text.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::store {

class RandomStores {
 protected:
  static constexpr int kSteps = 1'000;
  static constexpr int kStepsPerJob = 50;
  static constexpr int kJobsAtOnce = 3;
  static constexpr char kTenantName[] = "default";

  explicit RandomStores(StoreKind kind) : kind_(std::move(kind)) {}

  int64_t Below(int64_t bound) { return std::uniform_int_distribution<int64_t>(0, bound - 1)(random_); }
  bool OneIn(int64_t n) { return Below(n) == 0; }

  model::JobKey SomeJob() { return {kTenantName, absl::StrCat("job-", oldest_job_ + Below(kJobsAtOnce))}; }
  std::string SomeService() { return absl::StrCat("demo/service-", Below(3)); }
  std::string SomeVersion() { return absl::StrCat("1.", Below(3), ".0", OneIn(3) ? "-rc.1" : ""); }

  void Reopen() {
    tested_.reset();
    absl::StatusOr<std::unique_ptr<JobStore>> opened = kind_.open(folder_.path(), &clock_);
    ASSERT_THAT(opened, ::millrace::testing::IsOk());
    tested_ = *std::move(opened);
  }

  /// Runs a verb on both stores and expects the same answer.
  template <typename Verb>
  void OnBoth(const char* name, Verb&& verb) {
    EXPECT_EQ(TextOf(verb(*tested_)), TextOf(verb(*model_))) << name;
  }

  void Compare(const model::JobKey& job) {
    EXPECT_EQ(WithoutEpoch(DescribeJob(*tested_, job)), WithoutEpoch(DescribeJob(*model_, job)));
    ExpectEachRecordInOnePlace(job);
  }

  void ExpectEachRecordInOnePlace(const model::JobKey& key) {
    const absl::StatusOr<model::JobPtr> job = model_->GetJob(key);
    if (!job.ok()) return;
    const model::JobCounters& counters = (*job)->counters;
    EXPECT_GE(counters.records_completed, 0);
    EXPECT_GE(counters.records_failed, counters.records_held);
    EXPECT_GE(counters.records_held, 0);
    EXPECT_GE(counters.records_discarded, 0);
    EXPECT_LE(model::RecordsThrough(**job), counters.records_submitted);
  }

  void CompareLists() {
    ListJobsQuery jobs{.tenant = kTenantName, .states = {}, .service = OneIn(2) ? SomeService() : "", .page_size = 1};
    jobs.page_size += static_cast<int32_t>(Below(5));
    if (OneIn(2)) jobs.states = {model::JobState::kInProgress, model::JobState::kCancelled};
    if (OneIn(3)) jobs.text = absl::StrCat("JOB-", 1 + Below(3));
    if (OneIn(4)) jobs.states = {model::JobState::kCreated, model::JobState::kInProgress};
    jobs.oldest_first = OneIn(3);
    if (OneIn(4)) jobs.created_from = clock_.Now() - absl::Milliseconds(Below(200));
    if (OneIn(4)) jobs.created_before = clock_.Now() - absl::Milliseconds(Below(200));
    ExpectSameText("ListJobs", [&](const JobStore& store) {
      return AllPages([&](const std::string& token) {
        jobs.token = token;
        return store.ListJobs(jobs);
      });
    });
    ExpectSameText("ListEndedJobs", [](auto& store) { return TextOf(store.ListEndedJobs(kTenantName, {}, 3)); });
    ListExceptionsQuery exceptions{.job = SomeJob()};
    exceptions.page_size = static_cast<int32_t>(1 + Below(5));
    exceptions.bytes_max = Below(30);
    const auto groups = model_->ListExceptionGroups(exceptions.job);
    if (groups.ok() && !groups->empty() && OneIn(2)) exceptions.fingerprint = groups->back().fingerprint;
    if (OneIn(2)) exceptions.states = {model::ExceptionState::kUnresolved, model::ExceptionState::kReplaced};
    ExpectSameText("ListExceptions", [&](const JobStore& store) {
      return AllPages([&](const std::string& token) {
        exceptions.token = token;
        return store.ListExceptions(exceptions);
      });
    });
    CompareChunks(exceptions.job);
    const int64_t after = Below(4);
    const auto results_max = static_cast<int32_t>(1 + Below(4));
    const int64_t bytes_max = Below(60);
    ExpectSameText("ReadResults", [&](const JobStore& store) {
      return TextOf(store.ReadResults(exceptions.job, after, results_max, bytes_max));
    });
    CompareCatalog();
  }

  void CompareChunks(const model::JobKey& job) {
    ListChunksQuery query{.job = job, .after = Below(3), .chunks_max = static_cast<int32_t>(1 + Below(4))};
    if (OneIn(3)) query.other_than_hash = "another-hash";
    if (OneIn(4)) query.config_hash = OneIn(2) ? "another-hash" : ::millrace::testing::ExampleVersion().config_hash;
    ExpectSameText("ListChunks", [&](const JobStore& store) {
      const absl::StatusOr<ChunkList> list = store.ListChunks(query);
      if (!list.ok()) return TextOf(list.status());
      std::string text = absl::StrCat("next ", list->next_after, "\n");
      for (const model::Chunk& chunk : list->chunks) text += Describe(chunk);
      return text;
    });
  }

  void CompareCatalog() {
    const auto page_size = static_cast<int32_t>(1 + Below(4));
    ExpectSameText("ListServices", [&](const JobStore& store) {
      return AllPages([&](const std::string& token) { return store.ListServices(kTenantName, page_size, token); });
    });
    const std::string service = SomeService();
    ExpectSameText("ListServiceVersions",
                   [&](const JobStore& store) { return TextOf(store.ListServiceVersions(kTenantName, service)); });
    ExpectSameText("GetServiceVersion", [&](const JobStore& store) {
      return TextOf(store.GetServiceVersion(kTenantName, {service, "", ""}));
    });
  }

  void CompareEverything() {
    for (int i = 0; i < kSteps / kStepsPerJob + kJobsAtOnce; ++i) Compare({kTenantName, absl::StrCat("job-", i)});
    CompareLists();
    ExpectSameText("ActiveJobs", [](const JobStore& store) {
      std::vector<model::JobPtr> active = store.ActiveJobs();
      std::ranges::sort(active, {}, [](const model::JobPtr& job) { return job->id; });
      return WithoutEpoch(Describe(active));
    });
    EXPECT_EQ(tested_->SumJobs(kTenantName), model_->SumJobs(kTenantName));
  }

  template <typename Read>
  void ExpectSameText(const char* name, Read&& read) {
    EXPECT_EQ(read(*tested_), read(*model_)) << name;
  }

  const StoreKind kind_;
  std::mt19937_64 random_;
  int64_t oldest_job_ = 0;
  model::ManualClock clock_{millrace::testing::At(0)};
  harness::TemporaryFolder folder_;
  std::unique_ptr<JobStore> tested_;
  const std::unique_ptr<JobStore> model_ = MakeModelJobStore(&clock_);
};

}  // namespace millrace::store
