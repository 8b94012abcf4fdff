// Sources, a folder with files of records, and stores that are read back.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/background/source_reader.h"
#include "server/core/source_folders.h"
#include "storage/model/job_rules.h"
#include "storage/store/model_job_store.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::background {

class SourceFixture : public ::testing::Test {
 protected:
  SourceFixture() { AddVersion(*store_); }

  static void AddVersion(store::JobStore& store) {
    EXPECT_THAT(store.CreateServiceVersion(testing::ExampleVersion()), testing::IsOk());
  }

  std::filesystem::path Path(const std::string& name) const { return folder_.path() / name; }

  void WriteFile(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
  }

  /// `count` records with different texts.
  static std::string Lines(int64_t count) {
    std::string lines;
    for (int64_t i = 0; i < count; ++i) absl::StrAppend(&lines, "{\"n\":", i, "}\n");
    return lines;
  }

  model::JobSource FileSource(const std::string& name, model::SourceFormat format) const {
    const absl::StatusOr<core::SourceFile> file = folders_.Open(Path(name));
    EXPECT_THAT(file, testing::IsOk());
    model::JobSource source{.kind = model::SourceKind::kFile};
    source.path = file->path();
    source.format = format;
    source.size_bytes = file->size_bytes();
    source.modify_time = file->modify_time();
    return source;
  }

  model::JobSource LinesFile(const std::string& text) const {
    WriteFile("in.jsonl", text);
    return FileSource("in.jsonl", model::SourceFormat::kJsonLines);
  }

  model::JobSource CsvFile(const std::string& text) const {
    WriteFile("in.csv", text);
    return FileSource("in.csv", model::SourceFormat::kCsv);
  }

  static model::Job JobOf(model::JobSource source) {
    model::Job job = testing::ExampleJob();
    job.source = std::move(source);
    return job;
  }

  model::JobKey Create(model::JobSource source) { return (*store_->CreateJob(JobOf(std::move(source))))->key(); }

  /// Commits every chunk that waits, which empties the input buffer.
  static void CommitAll(store::JobStore& store, const model::JobKey& key) {
    const model::JobPtr job = *store.GetJob(key);
    for (int64_t sequence = job->highest_committed + 1; sequence <= job->last_sequence; ++sequence) {
      const int32_t records = store.FindChunk(key, sequence)->record_count;
      model::ChunkCommit commit = testing::ExampleCommit(key, sequence, records);
      commit.epoch = store.epoch();
      ASSERT_THAT(
          store::Await<model::JobPtr>([&](auto done) { store.CommitChunk(std::move(commit), std::move(done)); }),
          testing::IsOk());
    }
  }

  /// Reads to the end, or to the first trouble; the input buffer is emptied whenever it is full.
  SourceRun ReadAll(store::JobStore& store, const model::JobKey& key) const {
    for (;;) {
      // Anew each time, as after a crash: a reader remembers nothing.
      const SourceRun run = SourceReader(store, places_).RunOnce(key);
      if (run.next == SourceNext::kRoom) {
        CommitAll(store, key);
      } else if (run.next != SourceNext::kMore) {
        return run;
      }
    }
  }

  /// All records of the job, in order.
  static std::string RecordsOf(const store::JobStore& store, const model::JobKey& key) {
    std::string records;
    const model::JobPtr job = *store.GetJob(key);
    for (int64_t sequence = 1; sequence <= job->last_sequence; ++sequence) {
      records += store.ReadChunk(key, sequence)->json_lines;
    }
    return records;
  }

  /// The records that come of a source.
  std::string ReadThrough(model::JobSource source) {
    const std::string id = absl::StrCat("job-", ++jobs_);
    model::Job job = JobOf(std::move(source));
    job.id = id;
    const model::JobKey key = (*store_->CreateJob(std::move(job)))->key();
    EXPECT_EQ(ReadAll(*store_, key).next, SourceNext::kNothing);
    EXPECT_FALSE(model::TakesInput(*Get(key)));
    EXPECT_TRUE(Get(key)->source_position.exhausted) << Get(key)->state_reason;
    return RecordsOf(*store_, key);
  }

  model::JobPtr Get(const model::JobKey& key) const { return *store_->GetJob(key); }

  const harness::TemporaryFolder folder_;
  const core::SourceFolders folders_ = *core::SourceFolders::Make({folder_.path()});
  model::ManualClock clock_{testing::At(0)};
  queries::Connections connections_;
  const SourcePlaces places_{folders_, connections_, clock_};
  std::unique_ptr<store::JobStore> store_ = store::MakeModelJobStore(&clock_);
  int jobs_ = 0;
};

}  // namespace millrace::background
