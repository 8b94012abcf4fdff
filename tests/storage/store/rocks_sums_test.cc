#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "storage/format/rows.h"
#include "storage/model/errors.h"
#include "storage/store/rocks_sums.h"
#include "tests/storage/store/rocks_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::kTenant;
using model::JobKey;
using model::Reason;
using ::testing::IsEmpty;

class RocksSumsTest : public RocksStoreTest {
 protected:
  /// Changes the folder as a server would that does not know the sums.
  void Behind(const std::function<void(engine::WriteUnit&)>& change) {
    store_.reset();
    absl::StatusOr<std::unique_ptr<engine::Engine>> engine = engine::OpenEngine(EngineOptionsOf(Options()));
    ASSERT_THAT(engine, IsOk());
    const std::unique_ptr<engine::WriteUnit> unit = (*engine)->NewUnit();
    change(*unit);
    ASSERT_THAT((*engine)->Write(*unit, true), IsOk());
  }

  void Complete(std::string_view id) { ASSERT_THAT(store_->CloseJob(Create(id)), IsOk()); }

  /// As they are counted; listed, they must be as many.
  int64_t Ended() {
    int64_t count = 0;
    for (const auto& [service, sums] : store_->SumJobs(std::string(kTenant))) {
      count += model::JobCount(sums) - model::ActiveJobCount(sums);
    }
    const auto listed = store_->ListEndedJobs(std::string(kTenant), absl::InfinitePast(), 100);
    EXPECT_THAT(listed, IsOk());
    if (listed.ok()) {
      EXPECT_EQ(static_cast<int64_t>(listed->size()), count);
    }
    return count;
  }
};

TEST_F(RocksSumsTest, AFolderOfAServerWithoutSumsIsCountedOnce) {
  Complete("job-1");
  Complete("job-2");
  const format::KeyRange rows = format::EndedSums();
  Behind([&](engine::WriteUnit& unit) {
    unit.DeleteRange(At(format::Family::kIndex), rows.begin, rows.end);
    unit.Delete(At(format::Family::kMeta), format::kSumsEpochKey);
  });
  Open();
  EXPECT_EQ(Ended(), 2);
  Open();
  EXPECT_EQ(Ended(), 2);
}

TEST_F(RocksSumsTest, AFolderOfAServerWithoutAListByEndIsListedOnce) {
  Complete("job-1");
  Complete("job-2");
  const format::KeyRange rows = format::JobsEndedSince(std::string(kTenant), absl::InfinitePast());
  Behind([&](engine::WriteUnit& unit) {
    unit.DeleteRange(At(format::Family::kIndex), rows.begin, rows.end);
    unit.Put(At(format::Family::kIndex), format::JobByEndKey(kTenant, absl::UnixEpoch(), "gone"), "");
    unit.Delete(At(format::Family::kMeta), format::kEndsEpochKey);
  });
  Open();
  EXPECT_EQ(Ended(), 2);
}

TEST_F(RocksSumsTest, AnOlderServerInBetweenIsNoticedByTheEpoch) {
  Complete("job-1");
  Behind([&](engine::WriteUnit& unit) {
    const format::TenantService stale{std::string(kTenant), std::string(millrace::testing::kService)};
    unit.Put(At(format::Family::kIndex), format::EndedSumsKey(stale), format::EncodeJobSums({}));
    unit.Put(At(format::Family::kMeta), format::kEpochKey, format::EncodeMetaNumber(2));
  });
  Open();
  EXPECT_EQ(store_->epoch(), 3);
  EXPECT_EQ(Ended(), 1);
}

TEST_F(RocksSumsTest, AJobThatCannotBeReadKeepsNobodyFromOpening) {
  Complete("job-1");
  Complete("job-2");
  Behind([&](engine::WriteUnit& unit) {
    unit.Put(At(format::Family::kJobs), format::JobProgressKey({std::string(kTenant), "job-1"}), "\x0a\x7f");
    unit.Delete(At(format::Family::kMeta), format::kSumsEpochKey);
  });
  Open();
  EXPECT_EQ(Ended(), 1);
}

TEST_F(RocksSumsTest, ADamagedRowIsCountedAnew) {
  Complete("job-1");
  Behind([&](engine::WriteUnit& unit) {
    const format::TenantService service{std::string(kTenant), std::string(millrace::testing::kService)};
    unit.Put(At(format::Family::kIndex), format::EndedSumsKey(service), "\x0a\x7f");
  });
  Open();
  EXPECT_EQ(Ended(), 1);
}

TEST_F(RocksSumsTest, AWriteThatFailsCountsNothing) {
  const JobKey job = Create("job-1");
  Complete("job-2");
  watch_.BeforeWrite([] { return model::MakeError(Reason::kStorageFull, "the test says so"); });
  EXPECT_THAT(store_->CloseJob(job), IsError(Reason::kStorageFull));
  EXPECT_THAT(store_->DeleteJob({std::string(kTenant), "job-2"}), IsError(Reason::kStorageFull));
  watch_.BeforeWrite({});
  EXPECT_EQ(model::ActiveJobCount(store_->SumJobs(std::string(kTenant)).begin()->second), 1);
  EXPECT_EQ(Ended(), 1);
  ASSERT_THAT(store_->CloseJob(job), IsOk());
  Open();
  EXPECT_EQ(model::ActiveJobCount(store_->SumJobs(std::string(kTenant)).begin()->second), 0);
  EXPECT_EQ(Ended(), 2);
}

TEST_F(RocksSumsTest, ACommitWritesNoSums) {
  const JobKey job = Create("job-1");
  ASSERT_THAT(Push(job, "c1"), IsOk());
  ASSERT_THAT(Commit(job, 1), IsOk());
  store_.reset();
  absl::StatusOr<std::unique_ptr<engine::Engine>> engine = engine::OpenEngine(EngineOptionsOf(Options()));
  ASSERT_THAT(engine, IsOk());
  ASSERT_OK_AND_ASSIGN(const EndedSumsMap ended, LoadEndedSums(**engine));
  EXPECT_THAT(ended, IsEmpty());
}

}  // namespace
}  // namespace millrace::store
