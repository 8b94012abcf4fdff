// What lists of jobs and chunks leave out, and that their pages stay whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/model/errors.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::kTenant;
using model::JobKey;
using model::Reason;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FiltersTest : public JobStoreTest {
 protected:
  /// One job a second, from second 0 on: `a` to `e`.
  void CreateFive() {
    for (const std::string id : {"a", "b", "c", "d", "e"}) {
      model::Job job = ExampleJob(id);
      job.metadata.name = id == "b" || id == "d" ? "Month-End run" : "daily run";
      job.metadata.description = id == "e" ? "replaces the MONTH-END of May" : "";
      job.metadata.project = id < "c" ? "pricing" : "risk";
      job.metadata.tags = {id == "c" ? "slow" : "fast", "tag-" + id};
      job.created_by = id == "a" ? "ann" : "bob";
      Create(std::move(job));
      Tick();
    }
  }

  static ListJobsQuery Query() { return {.tenant = std::string(kTenant), .page_size = 1}; }

  /// The ids of all jobs that pass, as one text, read a page of one job after the other.
  std::string Ids(ListJobsQuery query) {
    std::string ids;
    do {
      const auto page = store().ListJobs(query);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const model::JobPtr& job : page->items) ids += job->id;
      query.token = page->next_token;
    } while (!query.token.empty());
    return ids;
  }

  std::vector<int64_t> Sequences(ListChunksQuery query) {
    std::vector<int64_t> sequences;
    do {
      const auto list = store().ListChunks(query);
      EXPECT_THAT(list, IsOk());
      if (!list.ok()) break;
      for (const model::Chunk& chunk : list->chunks) sequences.push_back(chunk.sequence);
      query.after = list->next_after;
    } while (query.after > 0);
    return sequences;
  }
};

TEST_P(FiltersTest, JobsByHowTheyEnded) {
  // Each with so many of its three records failed; the last one is at work.
  const std::vector<std::pair<std::string, int32_t>> jobs = {{"a", 0}, {"b", 1}, {"c", 3}, {"d", 2}, {"e", 3}};
  for (const auto& [id, failed] : jobs) {
    const JobKey key = Create(id)->key();
    PushMany(key, 1);
    CommitOne(key, 1, failed);
    if (id == "e") break;
    ASSERT_THAT(store().CloseJob(key), IsOk());
    Tick();
  }
  ListJobsQuery query = Query();
  query.outcomes = {model::Outcome::kSucceeded};
  EXPECT_EQ(Ids(query), "a");
  query.outcomes = {model::Outcome::kPartial};
  EXPECT_EQ(Ids(query), "db");
  query.oldest_first = true;
  query.outcomes = {model::Outcome::kFailedAll, model::Outcome::kPartial};
  EXPECT_EQ(Ids(query), "bcd");
  query.states = {model::JobState::kInProgress};
  EXPECT_EQ(Ids(query), "") << "what has not ended has no outcome";
}

TEST_P(FiltersTest, ChunksByTheirPart) {
  model::Job job = ExampleJob();
  job.source = {.kind = model::SourceKind::kRange, .count = 4, .field = "n"};
  job.source.sample.partitioning = *model::ParsePartitioning("every_2");
  const JobKey key = Create(std::move(job))->key();
  store::PushChunks push{.job = key, .chunks = {}, .order = nullptr};
  for (const int64_t part : {0, 1, 0, 1}) {
    push.chunks.push_back(millrace::testing::ExampleChunk("source-" + std::to_string(push.chunks.size() + 1)));
    push.chunks.back().part = part;
  }
  push.source_position = model::SourcePosition{.offset = 4, .records = 4, .chunks = 4, .exhausted = true};
  ASSERT_THAT(Await<PushReceipt>([&](auto done) { store().PushChunks(std::move(push), std::move(done)); }), IsOk());
  EXPECT_THAT(Sequences({.job = key, .part = 0}), ElementsAre(1, 3));
  EXPECT_THAT(Sequences({.job = key, .chunks_max = 1, .part = 1}), ElementsAre(2, 4));
  EXPECT_THAT(Sequences({.job = key, .part = 2}), IsEmpty());
  EXPECT_THAT(Sequences({.job = key}), ElementsAre(1, 2, 3, 4));
  CommitOne(key, 1);
  EXPECT_EQ(store().ReadResults(key, 0, 1, 1)->front().part, 0);
  EXPECT_EQ(store().FindChunk(key, 2)->part, 1);
}

TEST_P(FiltersTest, ByProjectTagAndCreator) {
  CreateFive();
  ListJobsQuery query = Query();
  query.project = "pricing";
  EXPECT_EQ(Ids(query), "ba");
  query.created_by = "bob";
  EXPECT_EQ(Ids(query), "b");
  query = Query();
  query.tag = "fast";
  EXPECT_EQ(Ids(query), "edba");
  query.tag = "tag-c";
  EXPECT_EQ(Ids(query), "c");
  query.tag = "tag";
  EXPECT_EQ(Ids(query), "");
}

TEST_P(FiltersTest, ByServiceAndItsVersion) {
  for (const std::string id : {"a", "b", "c"}) {
    model::Job job = ExampleJob(id);
    job.service = id == "c" ? "demo/other" : "demo/doubler";
    job.service_version = id == "a" ? "1.0.0" : "1.1.0";
    Create(std::move(job));
    Tick();
  }
  ListJobsQuery query = Query();
  query.service = "demo/doubler";
  EXPECT_EQ(Ids(query), "ba");
  query.service_version = "1.0.0";
  EXPECT_EQ(Ids(query), "a");
  query.service_version = "2.0.0";
  EXPECT_EQ(Ids(query), "");
}

TEST_P(FiltersTest, ByTimeFromInclusiveToExclusive) {
  CreateFive();
  ListJobsQuery query = Query();
  query.created_from = At(1);
  EXPECT_EQ(Ids(query), "edcb");
  query.created_before = At(3);
  EXPECT_EQ(Ids(query), "cb");
  query.created_from = At(2) + absl::Nanoseconds(1);
  EXPECT_EQ(Ids(query), "");
  query = Query();
  query.created_before = At(1);
  EXPECT_EQ(Ids(query), "a");
}

TEST_P(FiltersTest, ByTextInIdNameAndDescriptionInEitherCase) {
  CreateFive();
  ListJobsQuery query = Query();
  query.text = "month-END";
  EXPECT_EQ(Ids(query), "edb");
  query.text = "daily";
  EXPECT_EQ(Ids(query), "eca");
  query.text = "A";
  query.created_by = "ann";
  EXPECT_EQ(Ids(query), "a");
  query = Query();
  query.text = "nowhere";
  EXPECT_EQ(Ids(query), "");
}

TEST_P(FiltersTest, APageEndsWhereNothingMorePasses) {
  CreateFive();
  ListJobsQuery query = Query();
  query.project = "pricing";
  query.page_size = 2;
  ASSERT_OK_AND_ASSIGN(const auto page, store().ListJobs(query));
  EXPECT_EQ(page.items.size(), 2U);
  EXPECT_EQ(page.next_token, "");
}

TEST_P(FiltersTest, ChunksComeInPushOrder) {
  const JobKey job = Create()->key();
  EXPECT_THAT(Sequences({.job = job}), IsEmpty());
  PushMany(job, 5);
  CommitOne(job, 2);
  EXPECT_THAT(Sequences({.job = job}), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(Sequences({.job = job, .chunks_max = 2}), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(Sequences({.job = job, .after = 3}), ElementsAre(4, 5));
  ASSERT_OK_AND_ASSIGN(const ChunkList whole, store().ListChunks({.job = job, .chunks_max = 5}));
  EXPECT_EQ(whole.next_after, 0) << "the last page says that it is";
  EXPECT_EQ(whole.chunks[1].state, model::ChunkState::kCommitted);
  EXPECT_EQ(whole.chunks[1].attempts, 1);
  EXPECT_THAT(store().ListChunks({.job = {job.tenant, "nobody"}}), IsError(Reason::kPipelineNotFound));
}

TEST_P(FiltersTest, ChunksOfOtherCodeAreCommittedOnesWithAnotherHash) {
  const JobKey job = Create()->key();
  PushMany(job, 4);
  CommitOne(job, 1);
  CommitOne(job, 3);
  model::ChunkCommit other = ExampleCommit(job, 2);
  other.config_hash = "another";
  ASSERT_THAT(Commit(std::move(other)), IsOk());
  EXPECT_THAT(Sequences({.job = job, .chunks_max = 1, .other_than_hash = "another"}), ElementsAre(1, 3));
  EXPECT_THAT(Sequences({.job = job, .chunks_max = 1, .other_than_hash = ExampleJob().config_hash}), ElementsAre(2));
  EXPECT_THAT(Sequences({.job = job, .chunks_max = 1, .config_hash = "another"}), ElementsAre(2));
  EXPECT_THAT(Sequences({.job = job, .chunks_max = 1, .config_hash = "ano"}), ElementsAre(2)) << "its beginning";
  EXPECT_THAT(Sequences({.job = job, .chunks_max = 1, .config_hash = "nother"}), ElementsAre());
}

INSTANTIATE_TEST_SUITE_P(Stores, FiltersTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
