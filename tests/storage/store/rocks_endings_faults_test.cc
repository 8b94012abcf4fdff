// Breaks the disk at every operation of what deletes by retention and of what takes a notice away: each happened whole, or
// not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/engine/engine_on_env.h"
#include "storage/store/notice_store.h"
#include "storage/store/rocks_job_store_impl.h"
#include "tests/storage/engine/disk/faulty_disk.h"
#include "tests/storage/store/job_store_fixture.h"
#include "tests/storage/store/store_text.h"

namespace millrace::store {
namespace {

using engine::Fault;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsOk;
using model::JobKey;
using ::testing::AnyOf;

using Verb = std::function<void(JobStore&)>;

const JobKey& Key() {
  static const JobKey& key = *new JobKey{std::string(millrace::testing::kTenant), "job-1"};
  return key;
}

class RocksEndingsFaultsTest : public ::testing::TestWithParam<Fault> {
 protected:
  std::unique_ptr<JobStore> Open(engine::FaultyDisk& disk, const std::filesystem::path& folder) {
    const RocksJobStoreOptions options{.folder = folder, .clock = &clock_};
    absl::StatusOr<std::unique_ptr<engine::Engine>> engine =
        engine::OpenEngineOnEnv(EngineOptionsOf(options), disk.env());
    EXPECT_THAT(engine, IsOk());
    if (!engine.ok()) return nullptr;
    absl::StatusOr<std::unique_ptr<JobStore>> opened = OpenRocksJobStoreOn(options, *std::move(engine));
    EXPECT_THAT(opened, IsOk());
    return opened.ok() ? *std::move(opened) : nullptr;
  }

  /// A job that has ended an hour ago, has told nobody of it, and is due; `failed` of its records failed.
  void EndJob(JobStore& store, int32_t failed) {
    ASSERT_THAT(store.CreateServiceVersion(ExampleVersion()), IsOk());
    model::Job job = ExampleJob(Key().job_id);
    job.options.webhook = {.url = "http://h", .tells_end = true};
    job.options.retention = absl::Hours(1);
    job.options.drop_unresolved_exceptions = true;
    ASSERT_THAT(store.CreateJob(job), IsOk());
    PushChunks push;
    push.job = Key();
    push.chunks.push_back(ExampleChunk("c1"));
    ASSERT_THAT(Await<PushReceipt>([&](auto done) { store.PushChunks(std::move(push), std::move(done)); }), IsOk());
    model::ChunkCommit commit = ExampleCommit(Key(), 1, 3, failed);
    commit.epoch = store.epoch();
    ASSERT_THAT(Await<model::JobPtr>([&](auto done) { store.CommitChunk(std::move(commit), std::move(done)); }),
                IsOk());
    ASSERT_THAT(store.CloseJob(Key()), IsOk());
    clock_.Advance(absl::Hours(1));
  }

  std::string Everything(JobStore& store) const {
    std::string text = WithoutEpoch(DescribeJob(store, Key()));
    const auto notices = store.notices().ListNotices({}, 100);
    const auto expired = store.ListExpired(clock_.Now(), {}, 100);
    absl::StrAppend(&text, "notices ", notices.ok() ? notices->size() : 99, ", expired ",
                    expired.ok() ? expired->size() : 99);
    absl::StrAppend(&text, "\n", store.SumJobs(Key().tenant).size(), " services");
    return text;
  }

  /// Runs `verb` with the fault at operation `nth`. False where the fault did not come any more.
  bool RunWithFaultAt(int64_t nth, int32_t failed, const Verb& verb) {
    const harness::TemporaryFolder folder;
    engine::FaultyDisk disk;
    std::unique_ptr<JobStore> store = Open(disk, folder.path());
    EndJob(*store, failed);
    if (::testing::Test::HasFailure()) return false;
    const std::string before = Everything(*store);
    disk.Break(GetParam(), nth);
    verb(*store);
    const bool came = disk.struck();
    store.reset();
    disk.Heal();
    store = Open(disk, folder.path());
    if (::testing::Test::HasFailure()) return false;
    const std::string found = Everything(*store);
    verb(*store);
    const std::string after = Everything(*store);
    EXPECT_NE(before, after);
    EXPECT_THAT(found, AnyOf(before, after));
    if (!came) {
      EXPECT_EQ(found, after) << "nothing was in its way";
    }
    return came;
  }

  void RunWithEachFault(int32_t failed, const Verb& verb) {
    int64_t nth = 1;
    while (!HasFailure() && RunWithFaultAt(nth, failed, verb)) ++nth;
    EXPECT_FALSE(HasFailure()) << "at operation " << nth;
    EXPECT_GT(nth, 1) << "the fault never came";
  }

  model::ManualClock clock_{millrace::testing::At(0)};
};

TEST_P(RocksEndingsFaultsTest, AJobThatIsDeletedGoesWholeOrStaysWhole) {
  RunWithEachFault(0, [](JobStore& store) { static_cast<void>(store.ExpireJob(Key())); });
}

TEST_P(RocksEndingsFaultsTest, ExceptionsGoWithTheEventThatNamesThemOrStay) {
  RunWithEachFault(2, [](JobStore& store) { static_cast<void>(store.ExpireJob(Key())); });
}

TEST_P(RocksEndingsFaultsTest, ANoticeIsGivenUpWithTheEventThatSaysSoOrStays) {
  RunWithEachFault(0, [](JobStore& store) {
    const auto notices = store.notices().ListNotices({}, 1);
    if (notices.ok() && !notices->empty()) {
      static_cast<void>(store.notices().GiveUpNotice(notices->front(), "status 500"));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Faults, RocksEndingsFaultsTest,
                         ::testing::Values(Fault::kDiskFull, Fault::kPowerCut, Fault::kTornWrite),
                         [](const auto& info) {
                           return info.param == Fault::kDiskFull   ? "DiskFull"
                                  : info.param == Fault::kPowerCut ? "PowerCut"
                                                                   : "TornWrite";
                         });

}  // namespace
}  // namespace millrace::store
