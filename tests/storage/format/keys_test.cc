#include "storage/format/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace millrace::format {
namespace {

using model::JobKey;
using ::testing::Eq;
using ::testing::Optional;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

bool Holds(const KeyRange& range, const std::string& key) { return range.begin <= key && key < range.end; }

TEST(KeysTest, KeysSortByTenantThenJobThenNumber) {
  const std::vector<std::string> in_order = {
      ChunkKey({"a", "j"}, 1),    ChunkKey({"a", "j"}, 2),  ChunkKey({"a", "j"}, 255), ChunkKey({"a", "j"}, 256),
      ChunkKey({"a", "j"}, kMax), ChunkKey({"a", "j-"}, 1), ChunkKey({"a", "j0"}, 1),  ChunkKey({"a", "k"}, 1),
      ChunkKey({"a-", "a"}, 1),   ChunkKey({"a0", "a"}, 1), ChunkKey({"b", "a"}, 1)};
  EXPECT_TRUE(std::is_sorted(in_order.begin(), in_order.end()));
  EXPECT_EQ(std::set<std::string>(in_order.begin(), in_order.end()).size(), in_order.size());
}

TEST(KeysTest, TheBytesOfAKeyNeverChange) {
  using std::string_literals::operator""s;
  EXPECT_EQ(ResultKey({"t", "j"}, 0x0102), "t\0j\0\0\0\0\0\0\0\1\2"s);
  EXPECT_EQ(JobProgressKey({"t", "j"}), "t\0j\0p"s);
  EXPECT_EQ(ExceptionBlockKey({"t", "j"}, {3, 4}), "t\0j\0b\0\0\0\0\0\0\0\3\0\0\0\4"s);
  EXPECT_EQ(FingerprintKey({"t", "j"}, "f", {3, 4}), "t\0j\0ff\0\0\0\0\0\0\0\0\3\0\0\0\4"s);
  EXPECT_EQ(RequestIdKey("t", "r"), "t\0\0rr\0"s);
  EXPECT_EQ(ServiceVersionKey("t", "a/b", "1.0.0"), "t\0\0a/b\0"s + "1.0.0\0"s);
  EXPECT_EQ(UnfinishedJobKey({"t", "j"}), "\0\0at\0j\0"s);
  EXPECT_EQ(EndedSumsKey({"t", "a/b"}), "\0\0st\0a/b\0"s);
  EXPECT_EQ(NoticeRowKey({{"t", "j"}, absl::FromUnixNanos(1), 2}), "\0\0wt\0j\0\x80\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2"s);
  EXPECT_EQ(ExpiryKey({absl::FromUnixNanos(1), {"t", "j"}}), "\0\0x\x80\0\0\0\0\0\0\1t\0j\0"s);
  EXPECT_EQ(JobByTimeKey("t", absl::FromUnixNanos(1), "j"), "t\0\0t\x80\0\0\0\0\0\0\1j\0"s);
  EXPECT_EQ(JobByEndKey("t", absl::FromUnixNanos(1), "j"), "t\0\0e\x80\0\0\0\0\0\0\1j\0"s);
}

TEST(KeysTest, TheRangeOfAJobHoldsItsKeysAndNoOther) {
  const JobKey job{"t", "job"};
  const KeyRange range = JobRange(job);
  for (const int64_t number : {int64_t{0}, int64_t{1}, kMax}) EXPECT_TRUE(Holds(range, ChunkKey(job, number)));
  EXPECT_TRUE(Holds(range, StatisticsKey(job)));
  EXPECT_TRUE(Holds(range, JobDefinitionKey(job)));
  EXPECT_TRUE(Holds(range, ChunkIdKey(job, "z")));
  EXPECT_TRUE(Holds(range, ExceptionGroupKey(job, "ffffffffffffffff")));
  for (const JobKey& other : {JobKey{"t", "jo"}, JobKey{"t", "job-"}, JobKey{"t", "job1"}, JobKey{"t0", "job"},
                              JobKey{"s", "job"}, JobKey{"t", "joc"}}) {
    EXPECT_FALSE(Holds(range, ChunkKey(other, 1))) << other.tenant << "/" << other.job_id;
  }
  EXPECT_FALSE(Holds(range, RequestIdKey("t", "job")));
  EXPECT_FALSE(Holds(range, UnfinishedJobKey(job)));
}

TEST(KeysTest, ANumberRangeHoldsBothItsEnds) {
  const JobKey job{"t", "j"};
  const KeyRange some = NumberRange(job, 2, 300);
  EXPECT_FALSE(Holds(some, ResultKey(job, 1)));
  EXPECT_TRUE(Holds(some, ResultKey(job, 2)));
  EXPECT_TRUE(Holds(some, ResultKey(job, 300)));
  EXPECT_FALSE(Holds(some, ResultKey(job, 301)));
  const KeyRange rest = NumberRange(job, 2, kMax);
  EXPECT_TRUE(Holds(rest, ResultKey(job, kMax)));
  EXPECT_FALSE(Holds(rest, ResultKey({"t", "j0"}, 2)));
}

TEST(KeysTest, ANumberCanBeReadBack) {
  for (const int64_t number : {int64_t{0}, int64_t{1}, int64_t{1} << 40, kMax}) {
    EXPECT_THAT(ParseNumber(ResultKey({"t", "j"}, number)), Optional(Eq(number)));
  }
  EXPECT_FALSE(ParseNumber("1234567").has_value());
}

TEST(KeysTest, JobsSortByTheTimeTheyWereMadeThenById) {
  std::vector<std::string> in_order;
  for (const int64_t nanos : {int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{1'700'000'000'000'000'000}}) {
    for (const std::string id : {"a", "a0", "b"}) {
      in_order.push_back(JobByTimeKey("t", absl::FromUnixNanos(nanos), id));
      EXPECT_TRUE(Holds(JobsByTime("t"), in_order.back()));
      EXPECT_THAT(ParseJobByTime(in_order.back()), Optional(Eq(id)));
    }
  }
  EXPECT_TRUE(std::is_sorted(in_order.begin(), in_order.end()));
  EXPECT_FALSE(Holds(JobsByTime("t"), JobByTimeKey("u", absl::UnixEpoch(), "a")));
}

TEST(KeysTest, JobsThatHaveEndedAreFoundFromATimeOn) {
  const absl::Time time = absl::FromUnixSeconds(1'700'000'000);
  const KeyRange since = JobsEndedSince("t", time);
  EXPECT_TRUE(Holds(since, JobByEndKey("t", time, "a")));
  EXPECT_TRUE(Holds(since, JobByEndKey("t", time + absl::Hours(100'000), "a")));
  EXPECT_FALSE(Holds(since, JobByEndKey("t", time - absl::Nanoseconds(1), "z")));
  EXPECT_FALSE(Holds(since, JobByEndKey("u", time, "a")));
  EXPECT_FALSE(Holds(JobsEndedSince("t", absl::InfinitePast()), JobByTimeKey("t", time, "a")));
  EXPECT_THAT(ParseJobByTime(JobByEndKey("t", time, "a")), Optional(Eq("a")));
}

TEST(KeysTest, ABlockIsFoundFromAnyExceptionUpToItsLast) {
  const JobKey job{"t", "j"};
  const std::string block = ExceptionBlockKey(job, {7, 63});
  EXPECT_TRUE(Holds(ExceptionBlocksFrom(job, 0, 0), block));
  EXPECT_TRUE(Holds(ExceptionBlocksFrom(job, 7, 63), block));
  EXPECT_FALSE(Holds(ExceptionBlocksFrom(job, 7, 64), block));
  EXPECT_FALSE(Holds(ExceptionBlocksFrom(job, 8, 0), block));
  EXPECT_FALSE(Holds(ExceptionBlocksFrom(job, 0, 0), ExceptionGroupKey(job, "f")));

  const std::string pointer = FingerprintKey(job, "abc", {7, 63});
  EXPECT_TRUE(Holds(FingerprintsFrom(job, "abc", 7, 63), pointer));
  EXPECT_FALSE(Holds(FingerprintsFrom(job, "abc", 7, 64), pointer));
  EXPECT_FALSE(Holds(FingerprintsFrom(job, "ab", 0, 0), pointer));

  for (const std::string& key : {block, pointer}) {
    const std::optional<BlockPlace> place = ParseBlockPlace(key);
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->sequence, 7);
    EXPECT_EQ(place->last, 63);
  }
}

TEST(KeysTest, TheVersionsOfAServiceStandApartFromThoseOfLongerNames) {
  const KeyRange versions = ServiceVersions("t", "a/b");
  EXPECT_TRUE(Holds(versions, ServiceVersionKey("t", "a/b", "1.0.0")));
  EXPECT_FALSE(Holds(versions, ServiceVersionKey("t", "a/bc", "1.0.0")));
  EXPECT_FALSE(Holds(versions, ServiceVersionKey("u", "a/b", "1.0.0")));
  EXPECT_TRUE(Holds(ServicesFrom("t", ""), ServiceVersionKey("t", "z/z", "9.0.0")));
  EXPECT_FALSE(Holds(ServicesFrom("t", ""), ServiceVersionKey("u", "a/a", "9.0.0")));

  const auto name = ParseServiceVersion(ServiceVersionKey("t", "a/b", "1.0.0-rc.1"));
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->service, "a/b");
  EXPECT_EQ(name->version, "1.0.0-rc.1");
}

TEST(KeysTest, UnfinishedJobsAreOneRangeOverAllTenants) {
  for (const JobKey& job : {JobKey{"a", "1"}, JobKey{"zzz", "z"}}) {
    EXPECT_TRUE(Holds(UnfinishedJobs(), UnfinishedJobKey(job)));
    EXPECT_THAT(ParseUnfinishedJob(UnfinishedJobKey(job)), Optional(Eq(job)));
  }
  EXPECT_FALSE(Holds(UnfinishedJobs(), VersionIdKey("a", "1")));
}

TEST(KeysTest, SumsOfEndedJobsAreOneRangeOverAllTenants) {
  for (const TenantService& service : {TenantService{"a", "b"}, TenantService{"zzz", "z/z"}}) {
    EXPECT_TRUE(Holds(EndedSums(), EndedSumsKey(service)));
    EXPECT_THAT(ParseEndedSums(EndedSumsKey(service)), Optional(Eq(service)));
  }
  EXPECT_FALSE(Holds(EndedSums(), UnfinishedJobKey({"a", "b"})));
}

TEST(KeysTest, NoticesAreOneRangeFromAnyOfThemOn) {
  const model::NoticeKey first{{"a", "1"}, absl::FromUnixNanos(5), 2};
  const model::NoticeKey second{{"a", "1"}, absl::FromUnixNanos(6), 1};
  EXPECT_THAT(ParseNotice(NoticeRowKey(first)), Optional(Eq(first)));
  EXPECT_TRUE(Holds(NoticesBehind({}), NoticeRowKey(first)));
  EXPECT_FALSE(Holds(NoticesBehind(first), NoticeRowKey(first)));
  EXPECT_TRUE(Holds(NoticesBehind(first), NoticeRowKey(second)));
  EXPECT_FALSE(Holds(NoticesBehind({}), ExpiryKey({absl::FromUnixNanos(5), {"a", "1"}})));
}

TEST(KeysTest, ExpiriesAreSortedByTimeOverAllTenants) {
  const model::Expiry early{absl::FromUnixNanos(5), {"zzz", "z"}};
  const model::Expiry late{absl::FromUnixNanos(6), {"a", "1"}};
  EXPECT_THAT(ParseExpiry(ExpiryKey(early)), Optional(Eq(early)));
  EXPECT_LT(ExpiryKey(early), ExpiryKey(late));
  EXPECT_TRUE(Holds(ExpiriesUntil({}, early.time), ExpiryKey(early)));
  EXPECT_FALSE(Holds(ExpiriesUntil({}, early.time), ExpiryKey(late)));
  EXPECT_FALSE(Holds(ExpiriesUntil(early, late.time), ExpiryKey(early)));
  EXPECT_TRUE(Holds(ExpiriesUntil(early, late.time), ExpiryKey(late)));
}

TEST(KeysTest, WhatIsNoKeyIsNotParsed) {
  for (const std::string& damaged : {std::string(), std::string("a"), std::string("a\0b", 3), std::string(40, 'x')}) {
    EXPECT_FALSE(ParseJobByTime(damaged).has_value());
    EXPECT_FALSE(ParseServiceVersion(damaged).has_value());
    EXPECT_FALSE(ParseUnfinishedJob(damaged).has_value());
    EXPECT_FALSE(ParseEndedSums(damaged).has_value());
    EXPECT_FALSE(ParseNotice(damaged).has_value());
    EXPECT_FALSE(ParseExpiry(damaged).has_value());
  }
}

}  // namespace
}  // namespace millrace::format
