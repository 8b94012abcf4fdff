#include "storage/format/keys.h"

#include <cassert>
#include <limits>
#include <utility>

namespace millrace::format {
namespace {

constexpr char kTextEnd = '\0';

constexpr char kDefinition = 'd';
constexpr char kProgress = 'p';
constexpr char kBlock = 'b';
constexpr char kResolution = 'r';
constexpr char kFingerprint = 'f';
constexpr char kGroup = 'g';
constexpr char kChunkId = 'c';
constexpr char kRepeats = 'n';
constexpr char kChildJob = 'j';
constexpr char kRequestId = 'r';
constexpr char kJobByTime = 't';
constexpr char kJobByEnd = 'e';
constexpr char kUniqueKey = 'u';
constexpr char kVersionId = 'v';
constexpr char kUnfinished = 'a';
constexpr char kEndedSums = 's';
constexpr char kRun = 'r';
constexpr char kNotice = 'w';
constexpr char kExpiry = 'x';

/// Puts a key together, part by part.
class Key {
 public:
  Key(std::string_view tenant, std::string_view job) {
    bytes_.reserve(tenant.size() + job.size() + 64);
    Text(tenant).Text(job);
  }
  explicit Key(const model::JobKey& job) : Key(job.tenant, job.job_id) {}

  Key& Text(std::string_view text) {
    // Ids are validated where they enter; one with a zero byte could pose as a key of another tenant.
    assert(text.find(kTextEnd) == text.npos);
    bytes_.append(text).push_back(kTextEnd);
    return *this;
  }
  Key& Kind(char kind) {
    bytes_.push_back(kind);
    return *this;
  }
  Key& Number(int64_t number) { return BigEndian(static_cast<uint64_t>(number), 8); }
  Key& Index(int32_t index) { return BigEndian(static_cast<uint32_t>(index), 4); }
  Key& Time(absl::Time time) {
    return BigEndian(static_cast<uint64_t>(absl::ToUnixNanos(time)) ^ (uint64_t{1} << 63), 8);
  }

  std::string Bytes() { return std::move(bytes_); }

  /// All keys that begin like this one, whose last part is a text or a kind.
  KeyRange Prefixed() {
    KeyRange range{bytes_, std::move(bytes_)};
    ++range.end.back();
    return range;
  }

 private:
  Key& BigEndian(uint64_t value, int width) {
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) bytes_.push_back(static_cast<char>(value >> shift));
    return *this;
  }

  std::string bytes_;
};

uint64_t FromBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

/// Takes a key apart, part by part; `ok` tells whether all parts so far were there.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : rest_(key) {}

  std::string Text() {
    const size_t end = rest_.find(kTextEnd);
    if (end == std::string_view::npos) {
      ok_ = false;
      return {};
    }
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }
  void Skip(size_t count) {
    ok_ = ok_ && rest_.size() >= count;
    if (ok_) rest_.remove_prefix(count);
  }
  int64_t Number() {
    const uint64_t value = ok_ && rest_.size() >= 8 ? FromBigEndian(rest_.substr(0, 8)) : 0;
    Skip(8);
    return static_cast<int64_t>(value);
  }
  absl::Time Time() {
    return absl::FromUnixNanos(static_cast<int64_t>(static_cast<uint64_t>(Number()) ^ (uint64_t{1} << 63)));
  }
  char Kind() {
    const char kind = rest_.empty() ? '\0' : rest_.front();
    Skip(1);
    return kind;
  }
  bool AtEnd() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string JobDefinitionKey(const model::JobKey& job) { return Key(job).Kind(kDefinition).Bytes(); }
std::string JobProgressKey(const model::JobKey& job) { return Key(job).Kind(kProgress).Bytes(); }
std::string StatisticsKey(const model::JobKey& job) { return Key(job).Bytes(); }
std::string ChunkKey(const model::JobKey& job, int64_t sequence) { return Key(job).Number(sequence).Bytes(); }
std::string ResultKey(const model::JobKey& job, int64_t number) { return Key(job).Number(number).Bytes(); }
std::string JobEventKey(const model::JobKey& job, int64_t number) { return Key(job).Number(number).Bytes(); }
std::string ChunkIdKey(const model::JobKey& job, std::string_view chunk_id) {
  return Key(job).Kind(kChunkId).Text(chunk_id).Bytes();
}

KeyRange ChunkIds(const model::JobKey& job) { return Key(job).Kind(kChunkId).Prefixed(); }

std::string RepeatsKey(const model::JobKey& job, int64_t sequence) {
  return Key(job).Kind(kRepeats).Number(sequence).Bytes();
}

KeyRange Repeats(const model::JobKey& job) { return Key(job).Kind(kRepeats).Prefixed(); }

std::string ChildJobKey(const model::JobKey& parent, absl::Time create_time, std::string_view child_id) {
  return Key(parent).Kind(kChildJob).Time(create_time).Text(child_id).Bytes();
}

KeyRange ChildJobs(const model::JobKey& parent) { return Key(parent).Kind(kChildJob).Prefixed(); }

KeyRange JobRange(const model::JobKey& job) { return Key(job).Prefixed(); }

KeyRange NumberRange(const model::JobKey& job, int64_t first, int64_t last) {
  // Behind the last of all numbers come the keys of the next job.
  if (last == std::numeric_limits<int64_t>::max()) return {Key(job).Number(first).Bytes(), JobRange(job).end};
  return {Key(job).Number(first).Bytes(), Key(job).Number(last + 1).Bytes()};
}

std::optional<int64_t> ParseNumber(std::string_view key) {
  if (key.size() < 8) return std::nullopt;
  return static_cast<int64_t>(FromBigEndian(key.substr(key.size() - 8)));
}

std::string ExceptionBlockKey(const model::JobKey& job, const BlockPlace& place) {
  return Key(job).Kind(kBlock).Number(place.sequence).Index(place.last).Bytes();
}

KeyRange ExceptionBlocksFrom(const model::JobKey& job, int64_t sequence, int32_t index) {
  return {ExceptionBlockKey(job, {sequence, index}), Key(job).Kind(kBlock).Prefixed().end};
}

std::string FingerprintKey(const model::JobKey& job, std::string_view fingerprint, const BlockPlace& place) {
  return Key(job).Kind(kFingerprint).Text(fingerprint).Number(place.sequence).Index(place.last).Bytes();
}

KeyRange FingerprintsFrom(const model::JobKey& job, std::string_view fingerprint, int64_t sequence, int32_t index) {
  return {FingerprintKey(job, fingerprint, {sequence, index}),
          Key(job).Kind(kFingerprint).Text(fingerprint).Prefixed().end};
}

std::optional<BlockPlace> ParseBlockPlace(std::string_view key) {
  if (key.size() < 12) return std::nullopt;
  key.remove_prefix(key.size() - 12);
  return BlockPlace{static_cast<int64_t>(FromBigEndian(key.substr(0, 8))),
                    static_cast<int32_t>(FromBigEndian(key.substr(8)))};
}

std::string ExceptionGroupKey(const model::JobKey& job, std::string_view fingerprint) {
  return Key(job).Kind(kGroup).Text(fingerprint).Bytes();
}

KeyRange ExceptionGroups(const model::JobKey& job) { return Key(job).Kind(kGroup).Prefixed(); }

std::string ResolutionKey(const model::JobKey& job, const model::RecordPlace& exception) {
  return Key(job).Kind(kResolution).Number(exception.sequence).Index(exception.index).Bytes();
}

KeyRange Resolutions(const model::JobKey& job) { return Key(job).Kind(kResolution).Prefixed(); }

KeyRange ResolutionsBetween(const model::JobKey& job, const model::RecordPlace& first, const model::RecordPlace& last) {
  // No key lies between that of `last` and the same with a zero byte behind it.
  return {ResolutionKey(job, first), ResolutionKey(job, last) + std::string(1, '\0')};
}

std::optional<model::RecordPlace> ParseResolutionKey(std::string_view key) {
  const std::optional<BlockPlace> place = ParseBlockPlace(key);
  if (!place.has_value()) return std::nullopt;
  return model::RecordPlace{place->sequence, place->last};
}

std::string RequestIdKey(std::string_view tenant, std::string_view request_id) {
  return Key(tenant, "").Kind(kRequestId).Text(request_id).Bytes();
}

std::string UniqueKeyKey(std::string_view tenant, std::string_view unique_key) {
  return Key(tenant, "").Kind(kUniqueKey).Text(unique_key).Bytes();
}

std::string VersionIdKey(std::string_view tenant, std::string_view version_id) {
  return Key(tenant, "").Kind(kVersionId).Text(version_id).Bytes();
}

std::string JobByTimeKey(std::string_view tenant, absl::Time create_time, std::string_view job_id) {
  return Key(tenant, "").Kind(kJobByTime).Time(create_time).Text(job_id).Bytes();
}

KeyRange JobsByTime(std::string_view tenant) { return Key(tenant, "").Kind(kJobByTime).Prefixed(); }

std::optional<std::string> ParseJobByTime(std::string_view key) {
  KeyReader reader(key);
  reader.Text();
  reader.Text();
  reader.Skip(1 + 8);
  std::string job_id = reader.Text();
  if (!reader.AtEnd()) return std::nullopt;
  return job_id;
}

// Built as the other one, behind the tenant and the parent instead of an empty job.
std::optional<std::string> ParseChildJob(std::string_view key) { return ParseJobByTime(key); }

std::string JobByEndKey(std::string_view tenant, absl::Time complete_time, std::string_view job_id) {
  return Key(tenant, "").Kind(kJobByEnd).Time(complete_time).Text(job_id).Bytes();
}

KeyRange JobsEndedSince(std::string_view tenant, absl::Time since) {
  return {JobByEndKey(tenant, since, ""), Key(tenant, "").Kind(kJobByEnd).Prefixed().end};
}

std::string ServiceVersionKey(std::string_view tenant, std::string_view service, std::string_view version) {
  return Key(tenant, "").Text(service).Text(version).Bytes();
}

KeyRange ServicesFrom(std::string_view tenant, std::string_view from) {
  return {Key(tenant, "").Text(from).Bytes(), Key(tenant, "").Prefixed().end};
}

KeyRange ServiceVersions(std::string_view tenant, std::string_view service) {
  return Key(tenant, "").Text(service).Prefixed();
}

std::optional<ServiceVersionName> ParseServiceVersion(std::string_view key) {
  KeyReader reader(key);
  reader.Text();
  reader.Text();
  ServiceVersionName name;
  name.service = reader.Text();
  name.version = reader.Text();
  if (!reader.AtEnd()) return std::nullopt;
  return name;
}

std::string ScheduleDefinitionKey(const model::ScheduleKey& schedule) {
  return Key(schedule.tenant, "").Kind(kDefinition).Text(schedule.schedule_id).Bytes();
}

std::string ScheduleProgressKey(const model::ScheduleKey& schedule) {
  return Key(schedule.tenant, "").Kind(kProgress).Text(schedule.schedule_id).Bytes();
}

std::string ScheduleRunKey(const model::ScheduleKey& schedule, int64_t number) {
  return Key(schedule.tenant, "").Kind(kRun).Text(schedule.schedule_id).Number(number).Bytes();
}

KeyRange ScheduleRuns(const model::ScheduleKey& schedule, int64_t first, int64_t last) {
  // No key lies between that of `last` and the same with a zero byte behind it.
  return {ScheduleRunKey(schedule, first), ScheduleRunKey(schedule, last) + std::string(1, '\0')};
}

KeyRange SchedulesBehind(std::string_view tenant, std::string_view behind) {
  KeyRange range = Key(tenant, "").Kind(kDefinition).Prefixed();
  if (!behind.empty()) range.begin = Key(tenant, "").Kind(kDefinition).Text(behind).Prefixed().end;
  return range;
}

KeyRange SchedulesOfTenantsBehind(std::string_view tenant) {
  // No tenant begins with 0xff: ids are ASCII.
  return {tenant.empty() ? "" : Key(tenant, "").Prefixed().end, "\xff"};
}

std::optional<model::ScheduleKey> ParseSchedule(std::string_view key) {
  KeyReader reader(key);
  model::ScheduleKey schedule;
  schedule.tenant = reader.Text();
  reader.Text();
  const char kind = reader.Kind();
  schedule.schedule_id = reader.Text();
  if (kind == kRun) reader.Skip(8);
  if (!reader.AtEnd()) return std::nullopt;
  return schedule;
}

std::string UnfinishedJobKey(const model::JobKey& job) {
  return Key("", "").Kind(kUnfinished).Text(job.tenant).Text(job.job_id).Bytes();
}

KeyRange UnfinishedJobs() { return Key("", "").Kind(kUnfinished).Prefixed(); }

std::optional<model::JobKey> ParseUnfinishedJob(std::string_view key) {
  KeyReader reader(key);
  reader.Text();
  reader.Text();
  reader.Skip(1);
  model::JobKey job;
  job.tenant = reader.Text();
  job.job_id = reader.Text();
  if (!reader.AtEnd()) return std::nullopt;
  return job;
}

std::string EndedSumsKey(const TenantService& service) {
  return Key("", "").Kind(kEndedSums).Text(service.tenant).Text(service.service).Bytes();
}

KeyRange EndedSums() { return Key("", "").Kind(kEndedSums).Prefixed(); }

std::optional<TenantService> ParseEndedSums(std::string_view key) {
  KeyReader reader(key);
  reader.Text();
  reader.Text();
  reader.Skip(1);
  TenantService service;
  service.tenant = reader.Text();
  service.service = reader.Text();
  if (!reader.AtEnd()) return std::nullopt;
  return service;
}

std::string NoticeRowKey(const model::NoticeKey& notice) {
  const model::JobKey& job = notice.job;
  Key key("", "");
  key.Kind(kNotice).Text(job.tenant).Text(job.job_id).Time(notice.job_create_time).Number(notice.number);
  return key.Bytes();
}

KeyRange NoticesBehind(const model::NoticeKey& behind) {
  return {NoticeRowKey(behind) + std::string(1, '\0'), Key("", "").Kind(kNotice).Prefixed().end};
}

std::optional<model::NoticeKey> ParseNotice(std::string_view key) {
  KeyReader reader(key);
  reader.Skip(2 + 1);
  model::NoticeKey notice;
  notice.job.tenant = reader.Text();
  notice.job.job_id = reader.Text();
  notice.job_create_time = reader.Time();
  notice.number = reader.Number();
  if (!reader.AtEnd()) return std::nullopt;
  return notice;
}

std::string ExpiryKey(const model::Expiry& expiry) {
  return Key("", "").Kind(kExpiry).Time(expiry.time).Text(expiry.job.tenant).Text(expiry.job.job_id).Bytes();
}

KeyRange ExpiriesUntil(const model::Expiry& behind, absl::Time time) {
  // No tenant begins with 0xff: ids are ASCII.
  return {ExpiryKey(behind) + std::string(1, '\0'), Key("", "").Kind(kExpiry).Time(time).Bytes() + '\xff'};
}

std::optional<model::Expiry> ParseExpiry(std::string_view key) {
  KeyReader reader(key);
  reader.Skip(2 + 1);
  model::Expiry expiry;
  expiry.time = reader.Time();
  expiry.job.tenant = reader.Text();
  expiry.job.job_id = reader.Text();
  if (!reader.AtEnd()) return std::nullopt;
  return expiry;
}

}  // namespace millrace::format
