#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "storage/format/rows.h"
#include "tests/storage/store/rocks_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::MetadataOf;
using model::JobKey;
using model::Reason;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RocksOpenTest : public RocksStoreTest {
 protected:
  /// Changes the folder behind the back of the store, which is closed.
  void WriteBehindItsBack(format::Family family, std::string_view key, std::string_view row) {
    store_.reset();
    absl::StatusOr<std::unique_ptr<engine::Engine>> engine = engine::OpenEngine(EngineOptionsOf(Options()));
    ASSERT_THAT(engine, IsOk());
    const std::unique_ptr<engine::WriteUnit> unit = (*engine)->NewUnit();
    unit->Put(At(family), key, row);
    ASSERT_THAT((*engine)->Write(*unit, true), IsOk());
  }
};

TEST_F(RocksOpenTest, TheEpochCountsTheStarts) {
  EXPECT_EQ(store_->epoch(), 1);
  Open();
  EXPECT_EQ(store_->epoch(), 2);
  Open();
  EXPECT_EQ(store_->epoch(), 3);
}

TEST_F(RocksOpenTest, UnfinishedJobsBelongToWhoeverOpenedTheStore) {
  const JobKey job = Create();
  ASSERT_OK_AND_ASSIGN(const model::JobPtr before, store_->GetJob(job));
  EXPECT_EQ(before->owner_epoch, 1);
  Open();
  ASSERT_THAT(store_->ActiveJobs(), SizeIs(1));
  EXPECT_EQ(store_->ActiveJobs().front()->owner_epoch, 2);
}

TEST_F(RocksOpenTest, JobsThatHaveEndedAreNotKeptInMemory) {
  const JobKey job = Create();
  ASSERT_THAT(store_->CloseJob(job), IsOk());
  EXPECT_THAT(store_->ActiveJobs(), SizeIs(0));
  Open();
  EXPECT_THAT(store_->ActiveJobs(), SizeIs(0));
  EXPECT_THAT(store_->GetJob(job), IsOk());
}

TEST_F(RocksOpenTest, ANewerFormatIsRefusedWithAWayOut) {
  WriteBehindItsBack(format::Family::kMeta, format::kFormatVersionKey,
                     format::EncodeMetaNumber(format::kFormatVersion + 1));
  const absl::Status newer = OpenRocksJobStore(Options()).status();
  EXPECT_THAT(newer, IsError(Reason::kStorageFailed));
  EXPECT_THAT(std::string(newer.message()), HasSubstr(folder_.path().string()));
  EXPECT_THAT(std::string(newer.message()),
              HasSubstr("was written by format 2, this server reads up to 1; use a newer millraced"));
}

TEST_F(RocksOpenTest, ARefusedOpeningDoesNotRaiseTheEpoch) {
  WriteBehindItsBack(format::Family::kMeta, format::kFormatVersionKey, format::EncodeMetaNumber(99));
  EXPECT_FALSE(OpenRocksJobStore(Options()).ok());
  WriteBehindItsBack(format::Family::kMeta, format::kFormatVersionKey,
                     format::EncodeMetaNumber(format::kFormatVersion));
  Open();
  EXPECT_EQ(store_->epoch(), 2);
}

TEST_F(RocksOpenTest, AFolderThatIsOpenIsRefusedByName) {
  const absl::Status second = OpenRocksJobStore(Options()).status();
  EXPECT_THAT(second, IsError(Reason::kStorageFailed));
  EXPECT_THAT(std::string(second.message()), HasSubstr(folder_.path().string()));
  EXPECT_THAT(std::string(second.message()), HasSubstr("another process has it open"));
}

TEST_F(RocksOpenTest, ADamagedRowIsReportedNotServed) {
  const JobKey job = Create();
  ASSERT_THAT(Push(job, "c1"), IsOk());
  WriteBehindItsBack(format::Family::kInputs, format::ChunkKey(job, 1), "\x0a\x7f");
  Open();
  EXPECT_THAT(store_->ReadChunk(job, 1), IsError(Reason::kStorageCorrupt));
  WriteBehindItsBack(format::Family::kJobs, format::JobProgressKey(job), "\x0a\x7f");
  EXPECT_THAT(OpenRocksJobStore(Options()), IsError(Reason::kStorageCorrupt));
}

}  // namespace
}  // namespace millrace::store
