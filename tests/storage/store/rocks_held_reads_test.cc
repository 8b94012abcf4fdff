// Retention may delete what a job holds at any moment of a read. The answer is then what there was, or that it is gone: never a
// part of it, and never nothing.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/storage/store/rocks_fixture.h"
#include "tests/storage/store/store_text.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::Reason;

/// A read of the store, and its answer.
struct HeldRead {
  std::string name;
  std::function<absl::Status(JobStore& store, const JobKey& job, std::string& text)> read;
};

template <typename T>
absl::Status Told(const absl::StatusOr<T>& answer, std::string& text) {
  text = TextOf(answer);
  return answer.status();
}

std::vector<HeldRead> HeldReads() {
  return {
      {"FindChunk",
       [](JobStore& store, const JobKey& job, std::string& text) { return Told(store.FindChunk(job, 1), text); }},
      {"ListChunks",
       [](JobStore& store, const JobKey& job, std::string& text) {
         const absl::StatusOr<ChunkList> list = store.ListChunks({.job = job});
         if (list.ok()) text = Describe(list->chunks);
         return list.status();
       }},
      {"ReadChunk",
       [](JobStore& store, const JobKey& job, std::string& text) { return Told(store.ReadChunk(job, 1), text); }},
      {"ReadResults", [](JobStore& store, const JobKey& job,
                         std::string& text) { return Told(store.ReadResults(job, 0, 10, 1'000'000), text); }},
      {"GetRunStatistics",
       [](JobStore& store, const JobKey& job, std::string& text) { return Told(store.GetRunStatistics(job), text); }},
      {"ListRepeats",
       [](JobStore& store, const JobKey& job, std::string& text) { return Told(store.ListRepeats(job, 1), text); }},
      {"GetException",
       [](JobStore& store, const JobKey& job, std::string& text) {
         return Told(store.GetException(job, {1, 0}), text);
       }},
      {"ListExceptions",
       [](JobStore& store, const JobKey& job, std::string& text) {
         const absl::StatusOr<Page<model::RecordException>> page = store.ListExceptions({.job = job});
         if (page.ok()) text = Describe(page->items);
         return page.status();
       }},
      {"ListExceptions of a group",
       [](JobStore& store, const JobKey& job, std::string& text) {
         const absl::StatusOr<std::vector<model::ExceptionGroup>> groups = store.ListExceptionGroups(job);
         if (!groups.ok()) return groups.status();
         const absl::StatusOr<Page<model::RecordException>> page =
             store.ListExceptions({.job = job, .fingerprint = groups->front().fingerprint});
         if (page.ok()) text = Describe(page->items);
         return page.status();
       }},
      {"ListExceptionGroups", [](JobStore& store, const JobKey& job,
                                 std::string& text) { return Told(store.ListExceptionGroups(job), text); }},
  };
}

class RocksHeldReadsTest : public RocksStoreTest {
 protected:
  /// A completed job that the retention may drop: of three records the first was discarded, the second failed, and the third
  /// was run again.
  JobKey Expired() {
    model::Job kept = ExampleJob(absl::StrCat("job-", ++jobs_));
    kept.options.retention = absl::Hours(1);
    kept.options.drop_unresolved_exceptions = true;
    JobKey job = kept.key();
    EXPECT_THAT(store_->CreateJob(std::move(kept)), IsOk());
    EXPECT_THAT(Push(job, "c1"), IsOk());
    EXPECT_THAT(Commit(job, 1, 2), IsOk());
    EXPECT_THAT(store_->CloseJob(job), IsOk());
    EXPECT_THAT(store_->ResolveExceptions({.job = job, .exceptions = {{1, 0}}}), IsOk());
    RepeatRecords repeat{.job = job};
    repeat.chunk = ExampleChunk("repeat", 1);
    repeat.chunk.repeats = {{1, 2, 1}};
    EXPECT_THAT(store_->RepeatRecords(std::move(repeat)), IsOk());
    model::ChunkCommit commit = ExampleCommit(job, 2, 1);
    commit.epoch = store_->epoch();
    EXPECT_THAT(Await<model::JobPtr>([&](auto done) { store_->CommitChunk(std::move(commit), std::move(done)); }),
                IsOk());
    clock_.Advance(absl::Hours(1));
    return job;
  }

  void Drop(const JobKey& job) { EXPECT_EQ(*store_->ExpireJob(job), model::Expiration::kDropped); }

  int jobs_ = 0;
};

TEST_F(RocksHeldReadsTest, WhereverTheDropFallsTheAnswerIsWholeOrThatItIsGone) {
  for (const HeldRead& held : HeldReads()) {
    bool was_amidst = true;
    for (int drop_behind = 1; was_amidst; ++drop_behind) {
      SCOPED_TRACE(absl::StrCat(held.name, ", dropped behind read ", drop_behind, " of the engine"));
      const JobKey job = Expired();
      std::string whole;
      ASSERT_THAT(held.read(*store_, job, whole), IsOk());
      int reads = 0;
      watch_.AfterGet([&](std::string_view) {
        if (++reads == drop_behind) Drop(job);
      });
      std::string answer;
      const absl::Status status = held.read(*store_, job, answer);
      watch_.AfterGet({});
      was_amidst = reads >= drop_behind;
      if (status.ok()) {
        EXPECT_EQ(answer, whole);
      } else {
        EXPECT_THAT(status, IsError(Reason::kJobExpired));
      }
    }
  }
}

}  // namespace
}  // namespace millrace::store
