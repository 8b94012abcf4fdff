#include "storage/format/key_text.h"

#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/model/errors.h"

namespace millrace::format {
namespace {

/// Takes parts off the front of a key and gives them names.
class Parts {
 public:
  explicit Parts(std::string_view key) : rest_(key) {}

  std::string Text() {
    const size_t end = rest_.find('\0');
    if (end == std::string_view::npos) return Fail();
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }
  uint64_t Number(size_t width) {
    if (rest_.size() < width) {
      Fail();
      return 0;
    }
    uint64_t value = 0;
    for (const char byte : rest_.substr(0, width)) value = value << 8 | static_cast<uint8_t>(byte);
    rest_.remove_prefix(width);
    return value;
  }
  char Kind() {
    if (rest_.empty()) {
      Fail();
      return 0;
    }
    const char kind = rest_.front();
    rest_.remove_prefix(1);
    return kind;
  }

  Parts& Name(KeyText& key, const char* name) {
    key.parts.emplace_back(name, Text());
    return *this;
  }
  Parts& Sequence(KeyText& key, const char* name, size_t width = 8) {
    key.parts.emplace_back(name, absl::StrCat(Number(width)));
    return *this;
  }
  Parts& Time(KeyText& key, const char* name) {
    const uint64_t bits = Number(8) ^ (uint64_t{1} << 63);
    const absl::Time time = absl::FromUnixNanos(static_cast<int64_t>(bits));
    key.parts.emplace_back(name, absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()));
    return *this;
  }

  void SkipRest() { rest_ = {}; }
  bool whole() const { return ok_ && rest_.empty(); }

 private:
  std::string Fail() {
    ok_ = false;
    rest_ = {};
    return {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

void ReadUnknown(Parts& parts, KeyText& key) {
  key.kind = "unknown";
  parts.SkipRest();
}

void ReadJobKind(Parts& parts, KeyText& key) {
  switch (parts.Kind()) {
    case 'd':
      key.kind = "job definition";
      return;
    case 'p':
      key.kind = "job progress";
      return;
    default:
      return ReadUnknown(parts, key);
  }
}

void ReadExceptionKind(Parts& parts, KeyText& key) {
  switch (parts.Kind()) {
    case 'b':
      key.kind = "exceptions";
      parts.Sequence(key, "sequence").Sequence(key, "last", 4);
      return;
    case 'f':
      key.kind = "exceptions by fingerprint";
      parts.Name(key, "fingerprint").Sequence(key, "sequence").Sequence(key, "last", 4);
      return;
    case 'g':
      key.kind = "exception group";
      parts.Name(key, "fingerprint");
      return;
    case 'r':
      key.kind = "resolution";
      parts.Sequence(key, "sequence").Sequence(key, "index", 4);
      return;
    default:
      return ReadUnknown(parts, key);
  }
}

void ReadTenantIndex(Parts& parts, KeyText& key) {
  switch (parts.Kind()) {
    case 'e':
      key.kind = "job by end";
      parts.Time(key, "complete_time").Name(key, "job_id");
      return;
    case 'r':
      key.kind = "request id";
      parts.Name(key, "request_id");
      return;
    case 't':
      key.kind = "job by time";
      parts.Time(key, "create_time").Name(key, "job_id");
      return;
    case 'u':
      key.kind = "unique key";
      parts.Name(key, "unique_key");
      return;
    case 'v':
      key.kind = "version id";
      parts.Name(key, "version_id");
      return;
    default:
      return ReadUnknown(parts, key);
  }
}

void ReadScheduleKind(Parts& parts, KeyText& key) {
  switch (parts.Kind()) {
    case 'd':
      key.kind = "schedule definition";
      parts.Name(key, "schedule_id");
      return;
    case 'p':
      key.kind = "schedule progress";
      parts.Name(key, "schedule_id");
      return;
    case 'r':
      key.kind = "schedule run";
      parts.Name(key, "schedule_id").Sequence(key, "number");
      return;
    default:
      return ReadUnknown(parts, key);
  }
}

void ReadStoreIndex(Parts& parts, KeyText& key) {
  switch (parts.Kind()) {
    case 'a':
      key.kind = "unfinished job";
      key.job.tenant = parts.Text();
      key.job.job_id = parts.Text();
      return;
    case 's':
      key.kind = "sums of ended jobs";
      key.job.tenant = parts.Text();
      parts.Name(key, "service");
      return;
    case 'w':
      // Its job may be gone: the parts only name it.
      key.kind = "notice";
      parts.Name(key, "tenant").Name(key, "job_id").Time(key, "create_time").Sequence(key, "number");
      return;
    case 'x':
      key.kind = "expiry";
      parts.Time(key, "expire_time");
      key.job.tenant = parts.Text();
      key.job.job_id = parts.Text();
      return;
    default:
      return ReadUnknown(parts, key);
  }
}

void ReadJobIndex(Parts& parts, KeyText& key) {
  switch (parts.Kind()) {
    case 'c':
      key.kind = "chunk id";
      parts.Name(key, "chunk_id");
      return;
    case 'j':
      key.kind = "child job";
      parts.Time(key, "create_time").Name(key, "child_job_id");
      return;
    case 'n':
      key.kind = "repeats";
      parts.Sequence(key, "sequence");
      return;
    default:
      return ReadUnknown(parts, key);
  }
}

void ReadIndex(Parts& parts, KeyText& key) {
  if (!key.job.job_id.empty()) {
    ReadJobIndex(parts, key);
  } else if (!key.job.tenant.empty()) {
    ReadTenantIndex(parts, key);
  } else {
    ReadStoreIndex(parts, key);
  }
}

}  // namespace

absl::StatusOr<KeyText> ReadKey(Family family, std::string_view bytes) {
  KeyText key;
  if (family == Family::kMeta) {
    key.kind = "number";
    key.parts.emplace_back("name", std::string(bytes));
    return key;
  }
  Parts parts(bytes);
  key.job.tenant = parts.Text();
  key.job.job_id = parts.Text();
  switch (family) {
    case Family::kJobs:
      ReadJobKind(parts, key);
      break;
    case Family::kChunks:
      key.kind = "chunk";
      parts.Sequence(key, "sequence");
      break;
    case Family::kInputs:
      key.kind = "input";
      parts.Sequence(key, "sequence");
      break;
    case Family::kResults:
      key.kind = "result";
      parts.Sequence(key, "number");
      break;
    case Family::kExceptions:
      ReadExceptionKind(parts, key);
      break;
    case Family::kStatistics:
      key.kind = "statistics";
      break;
    case Family::kEvents:
      key.kind = "event";
      parts.Sequence(key, "number");
      break;
    case Family::kServices:
      key.kind = "service version";
      parts.Name(key, "service").Name(key, "version");
      break;
    case Family::kSchedules:
      ReadScheduleKind(parts, key);
      break;
    case Family::kIndex:
      ReadIndex(parts, key);
      break;
    default:
      ReadUnknown(parts, key);
  }
  if (parts.whole()) return key;
  return model::MakeError(model::Reason::kStorageCorrupt,
                          "a stored key is damaged: " + absl::CHexEscape(std::string(bytes)));
}

std::string ToString(const KeyText& key) {
  std::string text = key.kind;
  if (!key.job.tenant.empty()) absl::StrAppend(&text, " ", absl::CHexEscape(key.job.tenant));
  if (!key.job.job_id.empty()) absl::StrAppend(&text, "/", absl::CHexEscape(key.job.job_id));
  for (const auto& [name, value] : key.parts) absl::StrAppend(&text, " ", name, "=", absl::CHexEscape(value));
  return text;
}

}  // namespace millrace::format
