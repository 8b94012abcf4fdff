// kill -9 at any moment loses nothing that was acknowledged and leaves nothing half done. The victim is this program,
// started again with a filter for the one test that works until it is killed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/model/clock.h"
#include "storage/store/rocks_job_store.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsOk;
using model::JobKey;
using ::testing::Contains;
using ::testing::SizeIs;

constexpr char kFolderVariable[] = "MILLRACE_CRASH_FOLDER";
// Where the victim says what was acknowledged, one line each: `push SEQUENCE` or `commit SEQUENCE`.
constexpr int kReportDescriptor = 7;
constexpr int kInFlight = 32;

const JobKey& Job() {
  static const JobKey& key = *new JobKey{std::string(millrace::testing::kTenant), "crash"};
  return key;
}

absl::StatusOr<std::unique_ptr<JobStore>> Open(const std::filesystem::path& folder) {
  return OpenRocksJobStore({.folder = folder, .clock = model::SystemClock::Get()});
}

void Report(std::string_view what, int64_t sequence) {
  const std::string line = absl::StrCat(std::string(what), " ", sequence, "\n");
  if (write(kReportDescriptor, line.data(), line.size()) != static_cast<ssize_t>(line.size())) abort();
}

/// Pushes chunks and commits each once it is pushed, many at once, for ever.
void WorkUntilKilled(JobStore& store) {
  absl::Mutex mutex;
  int in_flight = 0;
  const auto below_limit = [&] { return in_flight < kInFlight; };
  const int64_t first = (*store.GetJob(Job()))->last_sequence + 1;
  for (int64_t i = first;; ++i) {
    {
      absl::MutexLock lock(&mutex);
      mutex.Await(absl::Condition(&below_limit));
      ++in_flight;
    }
    PushChunks request;
    request.job = Job();
    request.chunks.push_back(ExampleChunk(absl::StrCat("c", i)));
    store.PushChunks(std::move(request), [&](absl::StatusOr<PushReceipt> receipt) {
      if (!receipt.ok()) abort();
      const int64_t sequence = receipt->chunks[0].sequence;
      Report("push", sequence);
      model::ChunkCommit commit = ExampleCommit(Job(), sequence, 3, static_cast<int32_t>(sequence % 3));
      commit.epoch = store.epoch();
      store.CommitChunk(std::move(commit), [&, sequence](const absl::StatusOr<model::JobPtr>& job) {
        if (!job.ok()) abort();
        Report("commit", sequence);
        absl::MutexLock lock(&mutex);
        --in_flight;
      });
    });
  }
}

TEST(RocksCrashVictim, DISABLED_WorksUntilItIsKilled) {
  const char* folder = std::getenv(kFolderVariable);
  ASSERT_NE(folder, nullptr) << "started by RocksCrashTest only";
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<JobStore> store, Open(folder));
  ASSERT_THAT(store->CreateServiceVersion(ExampleVersion()), IsOk());
  model::Job job = ExampleJob(Job().job_id);
  job.request_id = "once";
  ASSERT_THAT(store->CreateJob(job), IsOk());
  WorkUntilKilled(*store);
}

/// What a victim said before it died.
struct Reported {
  std::set<int64_t> pushed;
  std::set<int64_t> committed;
  size_t lines = 0;
};

void Read(const std::string& line, Reported& reported) {
  std::array<char, 8> verb{};
  int64_t sequence = 0;
  if (std::sscanf(line.c_str(), "%7s %ld", verb.data(), &sequence) != 2) return;
  (verb[0] == 'p' ? reported.pushed : reported.committed).insert(sequence);
  ++reported.lines;
}

/// Starts a victim on `folder`, kills it after it reported `lines_max` lines, and adds what it said.
void RunVictim(const std::filesystem::path& folder, size_t lines_max, Reported& reported) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  ASSERT_EQ(posix_spawn_file_actions_init(&actions), 0);
  ASSERT_EQ(posix_spawn_file_actions_adddup2(&actions, ends[1], kReportDescriptor), 0);
  ASSERT_EQ(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0), 0);
  ASSERT_EQ(setenv(kFolderVariable, folder.c_str(), 1), 0);
  std::string program = "/proc/self/exe";
  std::string filter = "--gtest_filter=RocksCrashVictim.*";
  std::string disabled = "--gtest_also_run_disabled_tests";
  const std::array<char*, 4> arguments = {program.data(), filter.data(), disabled.data(), nullptr};
  pid_t victim = 0;
  ASSERT_EQ(posix_spawn(&victim, program.c_str(), &actions, nullptr, arguments.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);

  FILE* const report = fdopen(ends[0], "r");
  const size_t lines_before = reported.lines;
  bool killed = false;
  std::array<char, 64> line{};
  // After the kill, what is still in the pipe was acknowledged too.
  while (std::fgets(line.data(), line.size(), report) != nullptr) {
    Read(line.data(), reported);
    if (!killed && reported.lines - lines_before >= lines_max) killed = kill(victim, SIGKILL) == 0;
  }
  std::fclose(report);
  int status = 0;
  ASSERT_EQ(waitpid(victim, &status, 0), victim);
  EXPECT_TRUE(killed) << "the victim ended by itself";
}

void ExpectNothingLostOrHalfDone(const std::filesystem::path& folder, const Reported& reported) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<JobStore> store, Open(folder));
  ASSERT_OK_AND_ASSIGN(const model::JobPtr job, store->GetJob(Job()));
  for (const int64_t sequence : reported.pushed) EXPECT_LE(sequence, job->last_sequence);

  ASSERT_OK_AND_ASSIGN(const auto results, store->ReadResults(Job(), 0, std::numeric_limits<int32_t>::max(),
                                                              std::numeric_limits<int64_t>::max()));
  std::set<int64_t> committed;
  int64_t records = 0;
  int64_t failed = 0;
  for (const model::ChunkResult& result : results) {
    EXPECT_TRUE(committed.insert(result.sequence).second) << "chunk " << result.sequence << " is committed twice";
    EXPECT_EQ(result.number, static_cast<int64_t>(committed.size()));
    records += result.record_count;
    failed += static_cast<int64_t>(result.errors.size());
  }
  for (const int64_t sequence : reported.committed) EXPECT_THAT(committed, Contains(sequence));
  for (int64_t sequence = 1; sequence <= job->last_sequence; ++sequence) {
    ASSERT_OK_AND_ASSIGN(const model::ChunkInput input, store->ReadChunk(Job(), sequence));
    EXPECT_EQ(input.chunk.state == model::ChunkState::kCommitted, committed.contains(sequence));
  }

  EXPECT_EQ(job->last_result, static_cast<int64_t>(committed.size()));
  EXPECT_EQ(job->counters.chunks_completed, job->last_result);
  EXPECT_EQ(job->counters.records_submitted, 3 * job->last_sequence);
  EXPECT_EQ(job->counters.records_completed + job->counters.records_failed, records);
  EXPECT_EQ(job->counters.records_failed, failed);
  ASSERT_OK_AND_ASSIGN(const auto exceptions,
                       store->ListExceptions({.job = Job(), .page_size = std::numeric_limits<int32_t>::max()}));
  EXPECT_THAT(exceptions.items, SizeIs(failed));
  ASSERT_OK_AND_ASSIGN(const auto run, store->GetRunStatistics(Job()));
  int64_t node_records = 0;
  for (const auto& [node, statistics] : run.nodes) node_records = statistics.record_count;
  EXPECT_EQ(node_records, records);
}

TEST(RocksCrashTest, NothingAcknowledgedIsLostAndNothingIsHalfDone) {
  const harness::TemporaryFolder folder;
  Reported reported;
  for (const size_t lines : {1, 10, 100, 1'000, 3'000}) {
    RunVictim(folder.path(), lines, reported);
    ExpectNothingLostOrHalfDone(folder.path(), reported);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace millrace::store
