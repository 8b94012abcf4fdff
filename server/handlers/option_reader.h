// Reads the options of a job one field after the other, and those that a new job and an update of one share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "millrace/v1/job.pb.h"
#include "server/core/convert.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// Reads fields one after the other and keeps the first error, so that a list of fields reads like a list.
class OptionReader {
 public:
  /// Names a field as `path`.field, or as the field alone where `path` is empty.
  explicit OptionReader(std::string_view path) : path_(path) {}

  const absl::Status& status() const { return status_; }

  template <typename Int>
  void Number(std::string_view field, int64_t value, int64_t low, int64_t high, int64_t fallback, Int& target) {
    const absl::StatusOr<int64_t> read = InRange(Path(field), value, low, high, fallback);
    if (!read.ok()) return Fail(read.status());
    target = static_cast<Int>(*read);
  }

  void Duration(std::string_view field, bool present, const google::protobuf::Duration& value, absl::Duration low,
                absl::Duration high, absl::Duration& target) {
    if (!present) return;
    const absl::StatusOr<absl::Duration> read = core::FromProto(value);
    if (read.ok() && *read >= low && *read <= high) {
      target = *read;
      return;
    }
    Fail(field, absl::StrCat("expected ", absl::FormatDuration(low), " to ", absl::FormatDuration(high)));
  }

  void Text(std::string_view field, const std::string& value, size_t bytes_max, std::string& target) {
    if (absl::Status status = ValidateText(Path(field), value, bytes_max); !status.ok()) return Fail(status);
    target = value;
  }

  void Check(bool right, std::string_view field, std::string_view expected) {
    if (!right) Fail(field, expected);
  }

  void Fail(const absl::Status& status) {
    if (status_.ok()) status_ = status;
  }

  std::string Path(std::string_view field) const {
    return absl::StrCat(std::string(path_), path_.empty() ? "" : ".", std::string(field));
  }

 private:
  void Fail(std::string_view field, std::string_view expected) { Fail(model::FieldError(Path(field), expected)); }

  const std::string_view path_;
  absl::Status status_;
};

/// 0 to 1.
void CheckFailedRatio(OptionReader& reader, double ratio);

/// Both fields; what is not set gets its default.
void ReadThrottle(OptionReader& reader, const v1::Throttle& request, model::Throttle& throttle);

}  // namespace millrace::handlers
