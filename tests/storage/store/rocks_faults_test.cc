// Breaks the disk under a store at every single operation of a fixed script, and opens the store again: everything that
// was acknowledged is there, and everything else is there whole or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/engine/engine_on_env.h"
#include "storage/store/model_job_store.h"
#include "storage/store/notice_store.h"
#include "storage/store/rocks_job_store_impl.h"
#include "tests/storage/engine/disk/faulty_disk.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using engine::Fault;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::Reason;
using ::testing::AnyOf;

/// One verb, the same on any store.
using Step = std::function<absl::Status(JobStore&)>;

JobKey Key(std::string_view id) { return {std::string(millrace::testing::kTenant), std::string(id)}; }

Step CreateVersion(const std::string& version) {
  return [=](JobStore& store) { return store.CreateServiceVersion(ExampleVersion(version)).status(); };
}

Step CreateJob(const std::string& id) {
  return [=](JobStore& store) {
    model::Job job = ExampleJob(id);
    job.request_id = "request-" + id;
    job.request_hash = "hash";
    job.options.unique_key = "key-" + id;
    return store.CreateJob(job).status();
  };
}

Step Push(const std::string& job, const std::vector<std::string>& ids) {
  return [=](JobStore& store) {
    PushChunks request;
    request.job = Key(job);
    for (const std::string& id : ids) request.chunks.push_back(ExampleChunk(id));
    return Await<PushReceipt>([&](auto done) { store.PushChunks(std::move(request), std::move(done)); }).status();
  };
}

Step Commit(const std::string& job, int64_t sequence, int32_t failed) {
  return [=](JobStore& store) {
    model::ChunkCommit commit = ExampleCommit(Key(job), sequence, 3, failed);
    commit.epoch = store.epoch();
    return Await<model::JobPtr>([&](auto done) { store.CommitChunk(std::move(commit), std::move(done)); }).status();
  };
}

Step Acknowledge(const std::string& job, int64_t cursor) {
  return [=](JobStore& store) { return store.Acknowledge(Key(job), cursor, "cursor").status(); };
}

Step Close(const std::string& job) {
  return [=](JobStore& store) { return store.CloseJob(Key(job)).status(); };
}

Step Cancel(const std::string& job, bool force) {
  return [=](JobStore& store) { return store.CancelJob(Key(job), "enough", force).status(); };
}

/// A job that tells all it can.
Step CreateTellingJob(const std::string& id) {
  return [=](JobStore& store) {
    model::Job job = ExampleJob(id);
    job.options.webhook = {.url = "http://h", .tells_end = true, .tells_pause = true, .tells_first_exception = true};
    job.options.retention = absl::Hours(1);
    job.options.drop_unresolved_exceptions = true;
    return store.CreateJob(job).status();
  };
}

/// The first notice of a job, whichever it is, is told or given up.
Step Tell(const std::string& job, bool is_told) {
  return [=](JobStore& store) {
    const auto notices = store.notices().ListNotices({.job = Key(job)}, 1);
    if (!notices.ok()) return notices.status();
    if (notices->empty()) return absl::NotFoundError("there is none");
    NoticeStore& told = store.notices();
    return is_told ? told.RemoveNotice(notices->front()) : told.GiveUpNotice(notices->front(), "status 500");
  };
}

/// Something of everything. No step needs that another one succeeded: without its job it is refused, by the model
/// as well.
const std::vector<Step>& Script() {
  static const auto& script = *new std::vector<Step>{
      CreateVersion("1.0.0"),
      CreateJob("a"),
      Push("a", {"c1", "c2", "c3"}),
      Commit("a", 2, 1),
      CreateJob("b"),
      Push("b", {"c1"}),
      Push("a", {"c4"}),
      Commit("a", 1, 3),
      Acknowledge("a", 1),
      Push("b", {"c2", "c3"}),
      Commit("b", 1, 0),
      Cancel("b", false),
      CreateVersion("2.0.0"),
      CreateJob("c"),
      Push("c", {"c1", "c2"}),
      Cancel("c", true),
      Push("a", {"c5"}),
      Commit("a", 3, 0),
      Commit("a", 4, 0),
      Close("a"),
      Commit("a", 5, 2),
      Acknowledge("a", 5),
      CreateTellingJob("d"),
      Push("d", {"c1"}),
      Commit("d", 1, 2),
      Close("d"),
      Tell("d", true),
      Tell("d", false),
  };
  return script;
}

/// The owner of a job names the epoch, the one thing in which the stores differ: the model is never opened again.
std::string WithoutOwner(std::string text) {
  for (size_t at = text.find("owner: "); at != std::string::npos; at = text.find("owner: ", at + 1)) {
    text.erase(at, text.find('\n', at) - at);
  }
  return text;
}

std::string Everything(JobStore& store) {
  std::string text;
  for (const char* id : {"a", "b", "c", "d"}) absl::StrAppend(&text, "job ", id, "\n", DescribeJob(store, Key(id)));
  const auto versions = store.ListServiceVersions(millrace::testing::kTenant, millrace::testing::kService);
  absl::StrAppend(&text, "versions\n", millrace::testing::Describe(versions));
  ListJobsQuery query;
  query.tenant = std::string(millrace::testing::kTenant);
  const auto jobs = store.ListJobs(query);
  absl::StrAppend(&text, "jobs\n", jobs.ok() ? millrace::testing::Describe(jobs->items) : jobs.status().ToString());
  const auto notices = store.notices().ListNotices({}, 100);
  absl::StrAppend(&text, "notices\n");
  for (const model::NoticeKey& notice : notices.value_or(std::vector<model::NoticeKey>())) {
    absl::StrAppend(&text, model::NoticeId(notice), "\n");
  }
  const auto expired = store.ListExpired(absl::InfiniteFuture(), {}, 100);
  absl::StrAppend(&text, "expired\n");
  for (const model::Expiry& expiry : expired.value_or(std::vector<model::Expiry>())) {
    absl::StrAppend(&text, expiry.job.job_id, "\n");
  }
  return WithoutOwner(text);
}

struct FaultKind {
  std::string name;
  Fault fault;
};

class RocksFaultsTest : public ::testing::TestWithParam<FaultKind> {
 protected:
  static bool CutsPower() { return GetParam().fault == Fault::kPowerCut || GetParam().fault == Fault::kTornWrite; }

  absl::Status Open(engine::FaultyDisk& disk, const std::filesystem::path& folder, std::unique_ptr<JobStore>& store) {
    store.reset();
    const RocksJobStoreOptions options{.folder = folder, .clock = &clock_};
    absl::StatusOr<std::unique_ptr<engine::Engine>> engine =
        engine::OpenEngineOnEnv(EngineOptionsOf(options), disk.env());
    if (!engine.ok()) return engine.status();
    absl::StatusOr<std::unique_ptr<JobStore>> opened = OpenRocksJobStoreOn(options, *std::move(engine));
    if (!opened.ok()) return opened.status();
    store = *std::move(opened);
    return absl::OkStatus();
  }

  /// Runs the script with the fault at operation `nth`, or all of it where the fault does not come. Returns false then.
  bool RunWithFaultAt(int64_t nth) {
    clock_.Advance(absl::Seconds(1));
    const harness::TemporaryFolder folder;
    engine::FaultyDisk disk;
    std::unique_ptr<JobStore> store;
    EXPECT_THAT(Open(disk, folder.path(), store), IsOk());
    if (HasFailure()) return false;
    // What was acknowledged; and that plus the verb on which the fault fell, as long as none was acknowledged after it.
    const std::unique_ptr<JobStore> acknowledged = MakeModelJobStore(&clock_);
    std::unique_ptr<JobStore> with_failed;
    std::vector<Step> done;

    disk.Break(GetParam().fault, nth);
    bool healed = false;
    for (const Step& step : Script()) {
      const absl::Status status = step(*store);
      const bool failed_by_disk = model::HasReason(status, Reason::kStorageFull) ||
                                  model::HasReason(status, Reason::kStorageFailed) ||
                                  model::HasReason(status, Reason::kStorageCorrupt);
      if (!failed_by_disk) {
        EXPECT_EQ(step(*acknowledged).code(), status.code()) << status;
        done.push_back(step);
        // What is stored later says that what failed before is not. A verb that the rules refuse says nothing.
        if (status.ok()) with_failed.reset();
        continue;
      }
      EXPECT_TRUE(disk.struck() || healed) << status;
      if (with_failed == nullptr) {
        with_failed = MakeModelJobStore(&clock_);
        for (const Step& earlier : done) static_cast<void>(earlier(*with_failed));
        static_cast<void>(step(*with_failed));
      }
      if (CutsPower()) break;
      // A full disk needs no restart once there is space. After any other failure of the log it is not known what
      // of it is on the disk, and verbs may be refused until the store is opened again.
      if (GetParam().fault == Fault::kDiskFull) {
        EXPECT_THAT(status, IsError(Reason::kStorageFull));
        EXPECT_FALSE(healed) << status;
      }
      // Nothing of a verb that failed can be seen, before the store is opened again either.
      EXPECT_EQ(Everything(*store), Everything(*acknowledged));
      if (!healed) disk.Heal();
      healed = true;
    }
    const bool came = disk.struck() || healed;
    if (!CutsPower()) {
      EXPECT_EQ(Everything(*store), Everything(*acknowledged));
    }

    store.reset();
    disk.Heal();
    EXPECT_THAT(Open(disk, folder.path(), store), IsOk());
    if (HasFailure()) return false;
    const std::string found = Everything(*store);
    if (with_failed == nullptr) {
      EXPECT_EQ(found, Everything(*acknowledged));
    } else {
      EXPECT_THAT(found, AnyOf(Everything(*acknowledged), Everything(*with_failed)));
    }
    EXPECT_THAT(CreateVersion("3.0.0")(*store), IsOk()) << "it takes new work";
    return came;
  }

  model::ManualClock clock_{millrace::testing::At(0)};
};

TEST_P(RocksFaultsTest, EverythingAcknowledgedIsThereAndTheRestIsWholeOrAbsent) {
  int64_t nth = 1;
  while (!HasFailure() && RunWithFaultAt(nth)) {
    ++nth;
    SCOPED_TRACE(absl::StrCat("fault at operation ", nth));
  }
  EXPECT_FALSE(HasFailure()) << "at operation " << nth;
  EXPECT_GT(nth, 15) << "the fault came too seldom to show anything";
}

TEST_P(RocksFaultsTest, OpeningFailsInWordsOrSucceedsAndTheNextOpeningHasEverything) {
  const harness::TemporaryFolder folder;
  engine::FaultyDisk disk;
  std::unique_ptr<JobStore> store;
  ASSERT_THAT(Open(disk, folder.path(), store), IsOk());
  for (const Step& step : Script()) ASSERT_THAT(step(*store), IsOk());
  const std::string before = Everything(*store);
  for (int64_t nth = 1;; ++nth) {
    SCOPED_TRACE(absl::StrCat("fault at operation ", nth));
    store.reset();
    disk.Break(GetParam().fault, nth);
    const absl::Status opened = Open(disk, folder.path(), store);
    const bool struck = disk.struck();
    if (!opened.ok()) {
      EXPECT_THAT(opened, AnyOf(IsError(Reason::kStorageFull), IsError(Reason::kStorageFailed)));
      EXPECT_NE(opened.message().find(folder.path().string()), std::string::npos) << opened;
    } else {
      EXPECT_EQ(Everything(*store), before);
    }
    store.reset();
    disk.Heal();
    ASSERT_THAT(Open(disk, folder.path(), store), IsOk());
    ASSERT_EQ(Everything(*store), before);
    if (!struck) break;
    ASSERT_FALSE(HasFailure());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Faults, RocksFaultsTest,
    ::testing::Values(FaultKind{"DiskFull", Fault::kDiskFull}, FaultKind{"FailedWrite", Fault::kFailedWrite},
                      FaultKind{"ShortWrite", Fault::kShortWrite}, FaultKind{"FailedSync", Fault::kFailedSync},
                      FaultKind{"PowerCut", Fault::kPowerCut}, FaultKind{"TornWrite", Fault::kTornWrite}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace millrace::store
