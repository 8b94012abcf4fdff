// A RocksDB store over an engine that the test looks through.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/engine/engine.h"
#include "storage/format/keys.h"
#include "storage/model/clock.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_rows.h"
#include "tests/storage/store/rocks_watched_engine.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::store {

class RocksStoreTest : public ::testing::Test {
 protected:
  RocksStoreTest() {
    Open();
    EXPECT_THAT(store_->CreateServiceVersion(millrace::testing::ExampleVersion()), millrace::testing::IsOk());
  }

  RocksJobStoreOptions Options() const {
    RocksJobStoreOptions options;
    options.folder = folder_.path();
    options.clock = &clock_;
    options.sync = sync_;
    return options;
  }

  /// Opens the store, or opens it again.
  void Open() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<engine::Engine>> engine = engine::OpenEngine(EngineOptionsOf(Options()));
    ASSERT_THAT(engine, millrace::testing::IsOk());
    auto opened = OpenRocksJobStoreOn(Options(), std::make_unique<WatchedEngine>(*std::move(engine), &watch_));
    ASSERT_THAT(opened, millrace::testing::IsOk());
    store_ = *std::move(opened);
  }

  model::JobKey Create(std::string_view id = "job-1") {
    const absl::StatusOr<model::JobPtr> job = store_->CreateJob(millrace::testing::ExampleJob(id));
    EXPECT_THAT(job, millrace::testing::IsOk());
    return {std::string(millrace::testing::kTenant), std::string(id)};
  }

  static PushChunks OneChunk(const model::JobKey& job, std::string_view id) {
    PushChunks request;
    request.job = job;
    request.chunks.push_back(millrace::testing::ExampleChunk(id));
    return request;
  }

  absl::StatusOr<PushReceipt> Push(const model::JobKey& job, std::string_view id) {
    return Await<PushReceipt>([&](auto done) { store_->PushChunks(OneChunk(job, id), std::move(done)); });
  }

  absl::StatusOr<model::JobPtr> Commit(const model::JobKey& job, int64_t sequence, int32_t failed = 0) {
    model::ChunkCommit commit = millrace::testing::ExampleCommit(job, sequence, 3, failed);
    commit.epoch = store_->epoch();
    return Await<model::JobPtr>([&](auto done) { store_->CommitChunk(std::move(commit), std::move(done)); });
  }

  bool sync_ = true;
  model::ManualClock clock_{millrace::testing::At(0)};
  harness::TemporaryFolder folder_;
  Watch watch_;
  std::unique_ptr<JobStore> store_;
};

}  // namespace millrace::store
