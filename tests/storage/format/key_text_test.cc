#include "storage/format/key_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/status_matchers.h"

namespace millrace::format {
namespace {

const model::JobKey kJob{"acme", "job-1"};

std::vector<std::pair<Family, std::string>> OneOfEach() {
  return {{Family::kJobs, JobDefinitionKey(kJob)},
          {Family::kJobs, JobProgressKey(kJob)},
          {Family::kChunks, ChunkKey(kJob, 12)},
          {Family::kInputs, ChunkKey(kJob, 12)},
          {Family::kResults, ResultKey(kJob, 7)},
          {Family::kExceptions, ExceptionBlockKey(kJob, {12, 3})},
          {Family::kExceptions, FingerprintKey(kJob, "00ff", {12, 3})},
          {Family::kExceptions, ExceptionGroupKey(kJob, "00ff")},
          {Family::kExceptions, ResolutionKey(kJob, {12, 3})},
          {Family::kStatistics, StatisticsKey(kJob)},
          {Family::kEvents, JobEventKey(kJob, 4)},
          {Family::kServices, ServiceVersionKey("acme", "a/b", "1.0.0")},
          {Family::kSchedules, ScheduleDefinitionKey({"acme", "nightly"})},
          {Family::kSchedules, ScheduleProgressKey({"acme", "nightly"})},
          {Family::kSchedules, ScheduleRunKey({"acme", "nightly"}, 9)},
          {Family::kIndex, ChunkIdKey(kJob, "c-1")},
          {Family::kIndex, ChildJobKey(kJob, absl::FromUnixSeconds(1'700'000'000), "child")},
          {Family::kIndex, RepeatsKey(kJob, 12)},
          {Family::kIndex, RequestIdKey("acme", "r-1")},
          {Family::kIndex, UniqueKeyKey("acme", "u-1")},
          {Family::kIndex, VersionIdKey("acme", "v-1")},
          {Family::kIndex, JobByTimeKey("acme", absl::FromUnixSeconds(1'700'000'000), "job-1")},
          {Family::kIndex, JobByEndKey("acme", absl::FromUnixSeconds(1'700'000'001), "job-1")},
          {Family::kIndex, UnfinishedJobKey(kJob)},
          {Family::kIndex, EndedSumsKey({"acme", "a/b"})},
          {Family::kIndex, NoticeRowKey({kJob, absl::FromUnixSeconds(1'700'000'000), 4})},
          {Family::kIndex, ExpiryKey({absl::FromUnixSeconds(1'700'000'002), kJob})},
          {Family::kMeta, std::string(kEpochKey)}};
}

TEST(KeyTextTest, EveryKeyIsTakenApartByName) {
  std::vector<std::string> texts;
  for (const auto& [family, key] : OneOfEach()) {
    const auto text = ReadKey(family, key);
    ASSERT_THAT(text, testing::IsOk());
    texts.push_back(ToString(*text));
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"job definition acme/job-1",
                                             "job progress acme/job-1",
                                             "chunk acme/job-1 sequence=12",
                                             "input acme/job-1 sequence=12",
                                             "result acme/job-1 number=7",
                                             "exceptions acme/job-1 sequence=12 last=3",
                                             "exceptions by fingerprint acme/job-1 fingerprint=00ff sequence=12 last=3",
                                             "exception group acme/job-1 fingerprint=00ff",
                                             "resolution acme/job-1 sequence=12 index=3",
                                             "statistics acme/job-1",
                                             "event acme/job-1 number=4",
                                             "service version acme service=a/b version=1.0.0",
                                             "schedule definition acme schedule_id=nightly",
                                             "schedule progress acme schedule_id=nightly",
                                             "schedule run acme schedule_id=nightly number=9",
                                             "chunk id acme/job-1 chunk_id=c-1",
                                             "child job acme/job-1 create_time=2023-11-14T22:13:20+00:00 "
                                             "child_job_id=child",
                                             "repeats acme/job-1 sequence=12",
                                             "request id acme request_id=r-1",
                                             "unique key acme unique_key=u-1",
                                             "version id acme version_id=v-1",
                                             "job by time acme create_time=2023-11-14T22:13:20+00:00 job_id=job-1",
                                             "job by end acme complete_time=2023-11-14T22:13:21+00:00 job_id=job-1",
                                             "unfinished job acme/job-1",
                                             "sums of ended jobs acme service=a/b",
                                             "notice tenant=acme job_id=job-1 create_time=2023-11-14T22:13:20+00:00 "
                                             "number=4",
                                             "expiry acme/job-1 expire_time=2023-11-14T22:13:22+00:00",
                                             "number name=epoch"}));
}

TEST(KeyTextTest, AKeyThatIsCutOffOrTooLongIsDamaged) {
  for (const auto& [family, key] : OneOfEach()) {
    if (family == Family::kMeta) continue;
    EXPECT_THAT(ReadKey(family, key.substr(0, key.size() - 1)), testing::IsError(model::Reason::kStorageCorrupt))
        << key;
    EXPECT_THAT(ReadKey(family, key + "x"), testing::IsError(model::Reason::kStorageCorrupt)) << key;
  }
}

TEST(KeyTextTest, AKindOfANewerVersionIsUnknownAndNotDamaged) {
  std::string key = JobDefinitionKey(kJob);
  key.back() = 'z';
  const auto text = ReadKey(Family::kJobs, key + "whatever");
  ASSERT_THAT(text, testing::IsOk());
  EXPECT_EQ(ToString(*text), "unknown acme/job-1");
}

}  // namespace
}  // namespace millrace::format
