// A store with a bit of everything in it, closed, so that a test can look at it and break it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "storage/engine/engine.h"
#include "storage/format/keys.h"
#include "storage/maintenance/audit.h"
#include "storage/maintenance/open_folder.h"
#include "storage/store/rocks_job_store.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_rows.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::maintenance {

class MaintenanceTest : public ::testing::Test {
 protected:
  /// `job-1` runs: three chunks, the second and third committed, with failures. `job-2` is complete, `job-3` is
  /// cancelled and its results are discarded, `job-4` is empty.
  MaintenanceTest() {
    Open();
    EXPECT_THAT(store_->CreateServiceVersion(millrace::testing::ExampleVersion()), millrace::testing::IsOk());
    for (const char* id : {"job-1", "job-2", "job-3", "job-4"}) {
      EXPECT_THAT(store_->CreateJob(millrace::testing::ExampleJob(id)), millrace::testing::IsOk());
    }
    for (const char* id : {"job-1", "job-2", "job-3"}) {
      for (const char* chunk : {"a", "b", "c"}) Push(Key(id), chunk);
      Commit(Key(id), 2, 1);
      Commit(Key(id), 3, 3);
    }
    Commit(Key("job-2"), 1, 0);
    EXPECT_THAT(store_->CloseJob(Key("job-2")), millrace::testing::IsOk());
    EXPECT_THAT(store_->Acknowledge(Key("job-3"), 1, "cursor"), millrace::testing::IsOk());
    EXPECT_THAT(store_->CancelJob(Key("job-3"), "", true), millrace::testing::IsOk());
    store_.reset();
  }

  static model::JobKey Key(const std::string& id) { return {std::string(millrace::testing::kTenant), id}; }
  std::filesystem::path Path(const std::string& name) const { return folder_.path() / name; }
  std::filesystem::path data() const { return Path("data"); }

  void Open() { store_ = *store::OpenRocksJobStore({.folder = data(), .clock = &clock_}); }

  void Push(const model::JobKey& job, const std::string& id) {
    store::PushChunks request{.job = job, .chunks = {}};
    request.chunks.push_back(millrace::testing::ExampleChunk(id));
    EXPECT_THAT(
        store::Await<store::PushReceipt>([&](auto done) { store_->PushChunks(std::move(request), std::move(done)); }),
        millrace::testing::IsOk());
  }

  void Commit(const model::JobKey& job, int64_t sequence, int32_t failed) {
    Commit(millrace::testing::ExampleCommit(job, sequence, 3, failed));
  }

  void Commit(model::ChunkCommit commit) {
    commit.epoch = store_->epoch();
    EXPECT_THAT(
        store::Await<model::JobPtr>([&](auto done) { store_->CommitChunk(std::move(commit), std::move(done)); }),
        millrace::testing::IsOk());
  }

  /// Audits the store, which must be closed.
  AuditReport RunAudit() {
    const auto engine = OpenDataFolder(data());
    EXPECT_THAT(engine, millrace::testing::IsOk());
    const auto report = Audit(**engine);
    EXPECT_THAT(report, millrace::testing::IsOk());
    return *report;
  }

  /// All findings, one a line.
  std::string Findings() {
    std::string text;
    const AuditReport report = RunAudit();
    for (const AuditFinding& finding : report.findings) text += finding.where + ": " + finding.what + "\n";
    return text;
  }

  /// Changes rows behind the store's back.
  template <typename Change>
  void Break(Change change) {
    const store::RocksJobStoreOptions options{.folder = data()};
    const auto engine = engine::OpenEngine(store::EngineOptionsOf(options));
    ASSERT_THAT(engine, millrace::testing::IsOk());
    const std::unique_ptr<engine::WriteUnit> unit = (*engine)->NewUnit();
    change(**engine, *unit);
    ASSERT_THAT((*engine)->Write(*unit, true), millrace::testing::IsOk());
  }

  model::ManualClock clock_{millrace::testing::At(0)};
  harness::TemporaryFolder folder_;
  std::unique_ptr<store::JobStore> store_;
};

}  // namespace millrace::maintenance
