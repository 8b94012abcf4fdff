// A bit that flipped on the disk is reported for what it hits, and never read as other data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/store/rocks_job_store.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::Reason;

constexpr int64_t kChunks = 20;
// More than a block, and of bytes that do not compress: each chunk has blocks of its own.
constexpr size_t kChunkBytes = 40'000;

class RocksFlippedBitsTest : public ::testing::Test {
 protected:
  RocksFlippedBitsTest() {
    EXPECT_THAT(Open(), IsOk());
    EXPECT_THAT(store_->CreateServiceVersion(ExampleVersion()), IsOk());
    for (const std::string id : {"small", "large"}) EXPECT_THAT(store_->CreateJob(ExampleJob(id)), IsOk());
    std::mt19937_64 random(7);
    for (int64_t i = 1; i <= kChunks; ++i) {
      PushOne("small", ExampleChunk(absl::StrCat("c", i)));
      model::NewChunk chunk = ExampleChunk(absl::StrCat("c", i), 1);
      chunk.json_lines = R"({"n":")";
      while (chunk.json_lines.size() < kChunkBytes) chunk.json_lines += static_cast<char>('a' + random() % 26);
      chunk.json_lines += "\"}\n";
      PushOne("large", chunk);
      if (i % 2 == 0) CommitOne("small", i);
    }
    expected_ = Everything();
  }

  static JobKey Key(const std::string& id) { return {std::string(millrace::testing::kTenant), id}; }

  absl::Status Open() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<JobStore>> opened = OpenRocksJobStore({.folder = folder_.path(), .clock = &clock_});
    if (!opened.ok()) return opened.status();
    store_ = *std::move(opened);
    return absl::OkStatus();
  }

  void PushOne(const std::string& job, const model::NewChunk& chunk) {
    PushChunks request{.job = Key(job), .chunks = {chunk}};
    EXPECT_THAT(Await<PushReceipt>([&](auto done) { store_->PushChunks(std::move(request), std::move(done)); }),
                IsOk());
  }

  void CommitOne(const std::string& job, int64_t sequence) {
    model::ChunkCommit commit = ExampleCommit(Key(job), sequence, 3, 1);
    commit.epoch = store_->epoch();
    EXPECT_THAT(Await<model::JobPtr>([&](auto done) { store_->CommitChunk(std::move(commit), std::move(done)); }),
                IsOk());
  }

  /// The answers of single reads, without the epoch.
  std::vector<std::string> Everything() {
    std::vector<std::string> answers;
    for (const std::string id : {"small", "large"}) {
      const absl::StatusOr<model::JobPtr> job = store_->GetJob(Key(id));
      answers.push_back(job.ok() ? Describe((*job)->counters.records_submitted) : Describe(job.status()));
      for (int64_t i = 1; i <= kChunks; ++i) answers.push_back(Describe(store_->ReadChunk(Key(id), i)));
      answers.push_back(Describe(store_->ReadResults(Key(id), 0, 100, 1'000'000)));
      answers.push_back(Describe(store_->GetRunStatistics(Key(id))));
      answers.push_back(Describe(store_->ListExceptionGroups(Key(id))));
    }
    return answers;
  }

  static std::string Describe(int64_t number) { return absl::StrCat(number); }
  template <typename T>
  static std::string Describe(const T& value) {
    return millrace::testing::Describe(value);
  }

  /// How many answers are reported as damaged. An answer that is neither that nor the right one is a failure.
  int CountDamaged() {
    const std::vector<std::string> answers = Everything();
    int damaged = 0;
    for (size_t i = 0; i < answers.size(); ++i) {
      if (answers[i] == expected_[i]) continue;
      ++damaged;
      EXPECT_NE(answers[i].find("STORAGE_CORRUPT"), std::string::npos) << answers[i].substr(0, 500);
    }
    return damaged;
  }

  /// The files of one kind, largest first.
  std::vector<std::filesystem::path> Files(const std::string& part_of_name) {
    std::vector<std::filesystem::path> files;
    const std::filesystem::directory_iterator folder(folder_.path());
    for (const auto& entry : folder) {
      if (entry.path().filename().string().find(part_of_name) != std::string::npos) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return file_size(a) > file_size(b); });
    return files;
  }

  static void FlipBit(const std::filesystem::path& file, std::streamoff offset) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekg(offset);
    const char byte = static_cast<char>(stream.get() ^ 0x10);
    stream.seekp(offset);
    stream.put(byte);
  }

  /// Copies of all files, to put back what an opening may have changed.
  void Save() {
    store_.reset();
    std::filesystem::copy(folder_.path(), saved_.path(), std::filesystem::copy_options::recursive);
  }
  void Restore() {
    store_.reset();
    std::filesystem::remove_all(folder_.path());
    std::filesystem::copy(saved_.path(), folder_.path(), std::filesystem::copy_options::recursive);
  }

  model::ManualClock clock_{millrace::testing::At(0)};
  harness::TemporaryFolder folder_;
  harness::TemporaryFolder saved_;
  std::unique_ptr<JobStore> store_;
  std::vector<std::string> expected_;
};

TEST_F(RocksFlippedBitsTest, AFlippedPayloadIsReportedForItsChunkAloneAndTheRestWorks) {
  // Opening writes what is in the log into tables.
  ASSERT_THAT(Open(), IsOk());
  ASSERT_EQ(CountDamaged(), 0);
  Save();
  const std::filesystem::path payloads = Files(".sst").front();
  FlipBit(payloads, static_cast<std::streamoff>(file_size(payloads) / 2));
  ASSERT_THAT(Open(), IsOk());
  EXPECT_EQ(CountDamaged(), 1);
  // Others go on, and so does the job itself.
  CommitOne("small", 1);
  PushOne("large", ExampleChunk("more"));
  PushOne("small", ExampleChunk("more"));
}

TEST_F(RocksFlippedBitsTest, NoFlippedBitInATableIsReadAsOtherData) {
  ASSERT_THAT(Open(), IsOk());
  Save();
  int refused = 0;
  int damaged = 0;
  for (const std::filesystem::path& file : Files(".sst")) {
    const auto bytes = static_cast<std::streamoff>(file_size(file));
    for (std::streamoff offset = 0; offset < bytes; offset += std::max<std::streamoff>(301, bytes / 11)) {
      SCOPED_TRACE(absl::StrCat(file.filename().string(), " at ", offset));
      FlipBit(file, offset);
      const absl::Status opened = Open();
      if (opened.ok()) {
        damaged += CountDamaged();
      } else {
        ++refused;
        EXPECT_THAT(opened, IsError(Reason::kStorageCorrupt));
      }
      Restore();
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_GT(damaged, 0);
  RecordProperty("refused", refused);
}

TEST_F(RocksFlippedBitsTest, AFlippedBitInTheLogIsNotTakenForItsEnd) {
  Save();
  const std::filesystem::path log = Files(".log").front();
  const auto bytes = static_cast<std::streamoff>(file_size(log));
  int refused = 0;
  for (std::streamoff offset = 100; offset < bytes; offset += bytes / 40) {
    SCOPED_TRACE(absl::StrCat("at ", offset));
    FlipBit(log, offset);
    const absl::Status opened = Open();
    if (opened.ok()) {
      EXPECT_EQ(CountDamaged(), 0);
    } else {
      ++refused;
      EXPECT_THAT(opened, IsError(Reason::kStorageCorrupt));
    }
    Restore();
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(refused, 30);
}

}  // namespace
}  // namespace millrace::store
