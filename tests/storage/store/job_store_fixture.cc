#include "tests/storage/store/job_store_fixture.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/store/model_job_store.h"
#include "storage/store/rocks_job_store.h"

namespace millrace::store {

using ::millrace::testing::Describe;
using ::millrace::testing::IsOk;

std::vector<StoreKind> AllStores() {
  std::vector<StoreKind> stores = DurableStores();
  stores.push_back({"Model", false, [](const std::filesystem::path&, const model::Clock* clock) {
                      return absl::StatusOr<std::unique_ptr<JobStore>>(MakeModelJobStore(clock));
                    }});
  return stores;
}

std::vector<StoreKind> DurableStores() {
  const auto open = [](const std::filesystem::path& folder, const model::Clock* clock) {
    return OpenRocksJobStore({.folder = folder, .clock = clock});
  };
  return {{"Rocks", true, open}};
}

JobStoreTest::JobStoreTest() {
  Reopen();
  EXPECT_THAT(store_->CreateServiceVersion(millrace::testing::ExampleVersion()), IsOk());
}

void JobStoreTest::Reopen() {
  store_.reset();
  absl::StatusOr<std::unique_ptr<JobStore>> opened = GetParam().open(folder_.path(), &clock_);
  ASSERT_THAT(opened, IsOk());
  store_ = *std::move(opened);
}

model::JobPtr JobStoreTest::Create(std::string_view id) { return Create(millrace::testing::ExampleJob(id)); }

model::JobPtr JobStoreTest::Create(model::Job job) {
  absl::StatusOr<model::JobPtr> created = store_->CreateJob(std::move(job));
  EXPECT_THAT(created, IsOk());
  return created.ok() ? *created : std::make_shared<const model::Job>();
}

absl::StatusOr<PushReceipt> JobStoreTest::Push(const model::JobKey& job, std::vector<model::NewChunk> chunks) {
  return Await<PushReceipt>([&](auto done) { store_->PushChunks({job, std::move(chunks)}, std::move(done)); });
}

absl::StatusOr<PushReceipt> JobStoreTest::Push(const model::JobKey& job, model::NewChunk chunk) {
  std::vector<model::NewChunk> chunks;
  chunks.push_back(std::move(chunk));
  return Push(job, std::move(chunks));
}

absl::StatusOr<model::JobPtr> JobStoreTest::Commit(model::ChunkCommit commit) {
  commit.epoch = store_->epoch();
  return Await<model::JobPtr>([&](auto done) { store_->CommitChunk(std::move(commit), std::move(done)); });
}

void JobStoreTest::PushMany(const model::JobKey& job, int64_t count) {
  const absl::StatusOr<model::JobPtr> before = store_->GetJob(job);
  ASSERT_THAT(before, IsOk());
  std::vector<model::NewChunk> chunks;
  for (int64_t i = 1; i <= count; ++i) {
    chunks.push_back(millrace::testing::ExampleChunk(absl::StrCat("c", (*before)->last_sequence + i)));
  }
  ASSERT_THAT(Push(job, std::move(chunks)), IsOk());
}

void JobStoreTest::CommitOne(const model::JobKey& job, int64_t sequence, int32_t failed) {
  ASSERT_THAT(Commit(millrace::testing::ExampleCommit(job, sequence, 3, failed)), IsOk());
}

std::vector<model::ChunkResult> JobStoreTest::Results(const model::JobKey& job, int64_t after) {
  absl::StatusOr<std::vector<model::ChunkResult>> results =
      store_->ReadResults(job, after, std::numeric_limits<int32_t>::max(), std::numeric_limits<int64_t>::max());
  EXPECT_THAT(results, IsOk());
  return results.ok() ? *std::move(results) : std::vector<model::ChunkResult>();
}

std::string JobStoreTest::Everything(const model::JobKey& job) { return DescribeJob(*store_, job); }

std::string DescribeJob(const JobStore& store, const model::JobKey& key) {
  constexpr int32_t kAll = std::numeric_limits<int32_t>::max();
  const absl::StatusOr<model::JobPtr> job = store.GetJob(key);
  if (!job.ok()) return Describe(job.status());
  std::string text = Describe(*job);
  for (int64_t sequence = 1; sequence <= (*job)->last_sequence; ++sequence) {
    absl::StrAppend(&text, "chunk ", sequence, "\n", Describe(store.ReadChunk(key, sequence)));
  }
  absl::StrAppend(&text, "results\n", Describe(store.ReadResults(key, 0, kAll, std::numeric_limits<int64_t>::max())));
  absl::StrAppend(&text, "events\n", Describe(store.ListJobEvents(key, 0, kAll)));
  absl::StrAppend(&text, "nodes\n", Describe(store.GetRunStatistics(key)));
  const absl::StatusOr<Page<model::RecordException>> exceptions =
      store.ListExceptions({.job = key, .fingerprint = "", .page_size = kAll});
  absl::StrAppend(&text, "exceptions\n", exceptions.ok() ? Describe(exceptions->items) : Describe(exceptions.status()));
  absl::StrAppend(&text, "groups\n", Describe(store.ListExceptionGroups(key)));
  return text;
}

}  // namespace millrace::store
