// Whatever breaks, and wherever: each record of a bulk run has one job, and its outcome is taken once.
#include "storage/engine/engine_on_env.h"
#include "storage/store/rocks_job_store_impl.h"
#include "tests/server/execution/bulk_world.h"
#include "tests/storage/engine/disk/faulty_disk.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::execution {
namespace {

using engine::Fault;
using model::JobState;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using BulkCrashTest = BulkWorld;

TEST_F(BulkCrashTest, ADeathAtAnyWriteOfABulkRunOfBulkRunsLosesAndRepeatsNoJob) {
  for (const Fault fault : {Fault::kPowerCut, Fault::kTornWrite, Fault::kFailedWrite, Fault::kFailedSync}) {
    bool struck = true;
    for (int64_t nth = 1; struck; ++nth) {
      SCOPED_TRACE(absl::StrCat("fault ", static_cast<int>(fault), " at ", nth));
      const harness::TemporaryFolder data;
      engine::FaultyDisk disk;
      const store::RocksJobStoreOptions options{.folder = data.path(), .clock = &clock_};
      const auto open = [&] {
        auto engine = engine::OpenEngineOnEnv(store::EngineOptionsOf(options), disk.env());
        EXPECT_THAT(engine, ::millrace::testing::IsOk());
        auto opened = store::OpenRocksJobStoreOn(options, *std::move(engine));
        EXPECT_THAT(opened, ::millrace::testing::IsOk());
        return *std::move(opened);
      };
      Use(open());
      Bulk({"ok:a", "bulk ok:b bad:c", "bad:d"}, SideBySide(2));
      disk.Break(fault, nth);
      Drive();
      struck = disk.struck();
      Die();
      disk.Heal();
      Use(open());
      Drive();
      EXPECT_THAT(Children(),
                  UnorderedElementsAre(Pair("ok:a", JobState::kCompleted), Pair("ok:b bad:c", JobState::kCompleted),
                                       Pair("bad:d", JobState::kFailed)));
      EXPECT_THAT(Outcomes(), ElementsAre("OK", "CHILD_PARTIAL", "CHILD_FAILED"));
      EXPECT_EQ(StateOf("bulk"), JobState::kCompleted);
      // Before the disk goes.
      Die();
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace millrace::execution
