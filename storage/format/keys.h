// Every byte of every key is made here, and nowhere else. docs/STORAGE_FORMAT.md shows the same table with the rows.
//
//   family      key                                                        row
//   jobs        tenant 0 job 0 'd'                                         what the creator chose, written once
//               tenant 0 job 0 'p'                                         how far the job has come
//   chunks      tenant 0 job 0 sequence                                    a chunk without its payload
//   inputs      tenant 0 job 0 sequence                                    its payload, parameters and summary
//   results     tenant 0 job 0 number                                      a result, in commit order
//   exceptions  tenant 0 job 0 'b' sequence last                           exceptions of one chunk, by index
//               tenant 0 job 0 'f' fingerprint 0 sequence last             empty: the block holds this fingerprint
//               tenant 0 job 0 'g' fingerprint 0                           a group of exceptions
//               tenant 0 job 0 'r' sequence index                          what was done about an exception
//   statistics  tenant 0 job 0                                             what each node did
//   events      tenant 0 job 0 number                                      what happened to the job
//   services    tenant 0 0 service 0 version 0                             a service version
//   schedules   tenant 0 0 'd' schedule 0                                  what its creator chose
//               tenant 0 0 'p' schedule 0                                  when it fires next, and its runs that are not over
//               tenant 0 0 'r' schedule 0 number                           a run that is over
//   index       tenant 0 job 0 'c' chunk 0                                 the chunk with this id
//               tenant 0 job 0 'n' sequence                                the chunks that repeat records of this one
//               tenant 0 0 'e' complete time job 0                         empty: jobs that have ended, by complete time
//               tenant 0 job 0 'j' create time child 0                     empty: a job that runs for a record of this one
//               tenant 0 0 'r' request 0                                   the job made by this request
//               tenant 0 0 't' create time job 0                           empty: jobs by create time
//               tenant 0 0 'u' unique key 0                                the active job that holds this key
//               tenant 0 0 'v' version id 0                                the service version with this id
//               0 0 'a' tenant 0 job 0                                     empty: a job that has not ended
//               0 0 's' tenant 0 service 0                                 sums over the jobs of a service that have ended
//               0 0 'w' tenant 0 job 0 create time number                  what the webhook of a job is to be told of an event
//               0 0 'x' expire time tenant 0 job 0                         empty: a job whose retention ends then
//   meta        name                                                       a number
//
// `0` is the byte that ends a text; texts hold none. `sequence` and `number` are 8 bytes, `index` and `last` (the index of
// the last exception of its block) are 4, times are 8 bytes of Unix nanoseconds with the sign bit flipped: all
// big-endian, so the order of bytes is the order of values. The job is empty where a key belongs to a whole tenant, and
// both are where it belongs to the whole store; no valid id is empty.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/time/time.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/notice.h"
#include "storage/model/retention_rules.h"
#include "storage/model/schedule.h"

namespace millrace::format {

/// Column families. The order is that of kFamilies and is not stored; the names are.
enum class Family : size_t {
  kJobs,
  kChunks,
  kInputs,
  kResults,
  kExceptions,
  kStatistics,
  kServices,
  kIndex,
  kMeta,
  kEvents,
  kSchedules
};

struct FamilyTraits {
  std::string_view name;
  /// Holds large values that are compressed already.
  bool payloads = false;
  /// Is often asked for keys that it does not hold.
  bool sought_in_vain = false;
};

/// All families that this version uses.
inline constexpr std::array<FamilyTraits, 11> kFamilies = {{
    {"jobs", false, true},
    {"chunks", false, false},
    {"inputs", true, false},
    {"results", true, false},
    {"exceptions", true, false},
    {"statistics", false, false},
    {"services", false, false},
    {"index", false, true},
    {"meta", false, false},
    {"events", false, false},
    {"schedules", false, false},
}};

/// The version of everything that is stored: raised when an older server could not read what a newer one wrote.
inline constexpr int64_t kFormatVersion = 1;

/// Keys from `begin` up to but not including `end`.
struct KeyRange {
  std::string begin;
  std::string end;
};

// One job.
std::string JobDefinitionKey(const model::JobKey& job);
std::string JobProgressKey(const model::JobKey& job);
std::string StatisticsKey(const model::JobKey& job);
/// In `chunks` and `inputs`.
std::string ChunkKey(const model::JobKey& job, int64_t sequence);
std::string ResultKey(const model::JobKey& job, int64_t number);
std::string JobEventKey(const model::JobKey& job, int64_t number);
std::string ChunkIdKey(const model::JobKey& job, std::string_view chunk_id);
/// All of a job.
KeyRange ChunkIds(const model::JobKey& job);
std::string RepeatsKey(const model::JobKey& job, int64_t sequence);
KeyRange Repeats(const model::JobKey& job);
std::string ChildJobKey(const model::JobKey& parent, absl::Time create_time, std::string_view child_id);
KeyRange ChildJobs(const model::JobKey& parent);
/// The child that a key of ChildJobs names.
std::optional<std::string> ParseChildJob(std::string_view key);

/// All keys of a job in a family (in `index`, those that belong to no tenant as a whole).
KeyRange JobRange(const model::JobKey& job);
/// In `chunks`, `inputs`, `results` or `events`: `first` up to and including `last`.
KeyRange NumberRange(const model::JobKey& job, int64_t first, int64_t last);
/// The number that ends a key of `chunks`, `inputs`, `results` or `events`, or a key made by RepeatsKey.
std::optional<int64_t> ParseNumber(std::string_view key);

// Exceptions of one job.

/// The place of a block of exceptions: they belong to chunk `sequence`, and `last` is the greatest index among them.
struct BlockPlace {
  int64_t sequence = 0;
  int32_t last = 0;
};

std::string ExceptionBlockKey(const model::JobKey& job, const BlockPlace& place);
/// All blocks that may hold an exception at or behind (`sequence`, `index`).
KeyRange ExceptionBlocksFrom(const model::JobKey& job, int64_t sequence, int32_t index);
std::string FingerprintKey(const model::JobKey& job, std::string_view fingerprint, const BlockPlace& place);
/// The same for the blocks that hold a fingerprint.
KeyRange FingerprintsFrom(const model::JobKey& job, std::string_view fingerprint, int64_t sequence, int32_t index);
/// The place that ends a block key or a fingerprint key.
std::optional<BlockPlace> ParseBlockPlace(std::string_view key);
std::string ExceptionGroupKey(const model::JobKey& job, std::string_view fingerprint);
KeyRange ExceptionGroups(const model::JobKey& job);
std::string ResolutionKey(const model::JobKey& job, const model::RecordPlace& exception);
KeyRange Resolutions(const model::JobKey& job);
/// Those of `first` up to and including `last`.
KeyRange ResolutionsBetween(const model::JobKey& job, const model::RecordPlace& first, const model::RecordPlace& last);
/// The exception that a resolution key names.
std::optional<model::RecordPlace> ParseResolutionKey(std::string_view key);

// A tenant.
std::string RequestIdKey(std::string_view tenant, std::string_view request_id);
std::string UniqueKeyKey(std::string_view tenant, std::string_view unique_key);
std::string VersionIdKey(std::string_view tenant, std::string_view version_id);

std::string JobByTimeKey(std::string_view tenant, absl::Time create_time, std::string_view job_id);
KeyRange JobsByTime(std::string_view tenant);
/// Of a key of either list by time.
std::optional<std::string> ParseJobByTime(std::string_view key);

std::string JobByEndKey(std::string_view tenant, absl::Time complete_time, std::string_view job_id);
/// Those that ended at `since` or later.
KeyRange JobsEndedSince(std::string_view tenant, absl::Time since);

std::string ServiceVersionKey(std::string_view tenant, std::string_view service, std::string_view version);
/// All versions of all services of a tenant whose names are `from` or come behind it.
KeyRange ServicesFrom(std::string_view tenant, std::string_view from);
/// All versions of one service.
KeyRange ServiceVersions(std::string_view tenant, std::string_view service);

struct ServiceVersionName {
  std::string service;
  std::string version;
};
std::optional<ServiceVersionName> ParseServiceVersion(std::string_view key);

// Schedules.
std::string ScheduleDefinitionKey(const model::ScheduleKey& schedule);
std::string ScheduleProgressKey(const model::ScheduleKey& schedule);
std::string ScheduleRunKey(const model::ScheduleKey& schedule, int64_t number);
/// The runs numbered `first` up to and including `last`; ParseNumber tells the number of each.
KeyRange ScheduleRuns(const model::ScheduleKey& schedule, int64_t first, int64_t last);
/// The definitions of all schedules of a tenant whose ids come behind `behind`.
KeyRange SchedulesBehind(std::string_view tenant, std::string_view behind);
/// All rows of the schedules of the tenants behind `tenant`; of all tenants where it is empty.
KeyRange SchedulesOfTenantsBehind(std::string_view tenant);
/// The schedule that a key of the family belongs to; of a run, too.
std::optional<model::ScheduleKey> ParseSchedule(std::string_view key);

// The whole store.
std::string UnfinishedJobKey(const model::JobKey& job);
KeyRange UnfinishedJobs();
std::optional<model::JobKey> ParseUnfinishedJob(std::string_view key);

/// A service of a tenant.
struct TenantService {
  std::string tenant;
  std::string service;

  friend bool operator==(const TenantService&, const TenantService&) = default;
  friend bool operator<(const TenantService& a, const TenantService& b) {
    return std::tie(a.tenant, a.service) < std::tie(b.tenant, b.service);
  }
};
std::string EndedSumsKey(const TenantService& service);
KeyRange EndedSums();
std::optional<TenantService> ParseEndedSums(std::string_view key);

std::string NoticeRowKey(const model::NoticeKey& notice);
/// Those of all jobs that come behind `behind`.
KeyRange NoticesBehind(const model::NoticeKey& behind);
std::optional<model::NoticeKey> ParseNotice(std::string_view key);

std::string ExpiryKey(const model::Expiry& expiry);
/// Behind `behind`, up to and including `time`.
KeyRange ExpiriesUntil(const model::Expiry& behind, absl::Time time);
std::optional<model::Expiry> ParseExpiry(std::string_view key);

inline constexpr std::string_view kFormatVersionKey = "format_version";
inline constexpr std::string_view kEpochKey = "epoch";
/// The last epoch whose server kept the sums over ended jobs.
inline constexpr std::string_view kSumsEpochKey = "sums_epoch";
/// The last epoch whose server kept the list of jobs by complete time.
inline constexpr std::string_view kEndsEpochKey = "ends_epoch";

}  // namespace millrace::format
