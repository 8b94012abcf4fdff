// The exam that every JobStore passes: a fixture that each suite of the folder derives from, one suite a verb.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "storage/model/clock.h"
#include "storage/store/job_store.h"
#include "tests/support/describe.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::store {

/// A kind of store under test.
struct StoreKind {
  std::string name;
  /// True when a store that is opened again on the same folder holds what the one before held.
  bool durable = false;
  std::function<absl::StatusOr<std::unique_ptr<JobStore>>(const std::filesystem::path& folder,
                                                          const model::Clock* clock)>
      open;
};

inline void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }

/// Every store, and those that survive being closed.
std::vector<StoreKind> AllStores();
std::vector<StoreKind> DurableStores();

inline std::string StoreName(const ::testing::TestParamInfo<StoreKind>& info) { return info.param.name; }

/// A store that holds one service version, ExampleVersion().
class JobStoreTest : public ::testing::TestWithParam<StoreKind> {
 protected:
  JobStoreTest();

  JobStore& store() { return *store_; }

  /// Closes the store and opens it again on the same folder.
  void Reopen();

  void Tick() { clock_.Advance(absl::Seconds(1)); }

  /// The job of ExampleJob(id), stored. Ends in a failure where the store refuses it.
  model::JobPtr Create(std::string_view id = "job-1");
  model::JobPtr Create(model::Job job);

  absl::StatusOr<PushReceipt> Push(const model::JobKey& job, std::vector<model::NewChunk> chunks);
  absl::StatusOr<PushReceipt> Push(const model::JobKey& job, model::NewChunk chunk);

  /// Commits as the store's present epoch demands.
  absl::StatusOr<model::JobPtr> Commit(model::ChunkCommit commit);

  /// Pushes `count` chunks of 3 records, `c1` and so on, behind those that are there.
  void PushMany(const model::JobKey& job, int64_t count);
  /// Commits chunk `sequence` of 3 records, the first `failed` of which failed.
  void CommitOne(const model::JobKey& job, int64_t sequence, int32_t failed = 0);

  /// All results behind `after`.
  std::vector<model::ChunkResult> Results(const model::JobKey& job, int64_t after = 0);

  /// What can be read about the job through every read verb, as text.
  std::string Everything(const model::JobKey& job);

  model::ManualClock clock_{millrace::testing::At(0)};

 private:
  harness::TemporaryFolder folder_;
  std::unique_ptr<JobStore> store_;
};

/// Everything that `store` tells about a job, as text: for comparing.
std::string DescribeJob(const JobStore& store, const model::JobKey& job);

}  // namespace millrace::store
