#include "server/handlers/job_options.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/ids.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

/// Reads fields one after the other and keeps the first error, so that a list of fields reads like a list.
class OptionReader {
 public:
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

  std::string Path(std::string_view field) const { return absl::StrCat(std::string(path_), ".", std::string(field)); }

 private:
  void Fail(std::string_view field, std::string_view expected) { Fail(model::FieldError(Path(field), expected)); }

  const std::string_view path_;
  absl::Status status_;
};

void ReadRetry(OptionReader& reader, const v1::RetryPolicy& request, model::RetryPolicy& retry) {
  reader.Number("retry.max_attempts", request.max_attempts(), 1, model::kAttemptsMax, model::kAttemptsDefault,
                retry.max_attempts);
  reader.Duration("retry.initial_backoff", request.has_initial_backoff(), request.initial_backoff(),
                  model::kRetryBackoffMin, model::kRetryBackoffMax, retry.initial_backoff);
  retry.max_backoff = std::max(retry.max_backoff, retry.initial_backoff);
  reader.Duration("retry.max_backoff", request.has_max_backoff(), request.max_backoff(), retry.initial_backoff,
                  model::kRetryBackoffMax, retry.max_backoff);
}

void ReadErrorBudget(OptionReader& reader, const v1::JobOptions& request, model::JobOptions& options) {
  if (request.has_max_failed_ratio()) options.max_failed_ratio = request.max_failed_ratio();
  // Written so that NaN is wrong too.
  reader.Check(options.max_failed_ratio >= 0 && options.max_failed_ratio <= 1, "max_failed_ratio", "expected 0 to 1");
  options.min_records_for_ratio = request.min_records_for_ratio();
  reader.Check(options.min_records_for_ratio >= 0, "min_records_for_ratio", "expected 0 or more");
  options.stop_on_error = request.stop_on_error();
}

void ReadThrottle(OptionReader& reader, const v1::Throttle& request, model::Throttle& throttle) {
  throttle.records_per_second = request.records_per_second();
  reader.Check(throttle.records_per_second >= 0 && throttle.records_per_second <= model::kThrottleRecordsPerSecondMax,
               "throttle.records_per_second", "expected 0 (no limit) to 1e9");
  reader.Duration("throttle.delay_between_chunks", request.has_delay_between_chunks(), request.delay_between_chunks(),
                  absl::ZeroDuration(), model::kThrottleDelayMax, throttle.delay_between_chunks);
}

void ReadSelector(OptionReader& reader, const v1::JobOptions& request, model::JobOptions& options) {
  reader.Check(request.worker_selector_size() <= model::kSelectorLabelsMax, "worker_selector",
               absl::StrCat("expected at most ", model::kSelectorLabelsMax, " labels"));
  for (const auto& [label, value] : request.worker_selector()) {
    const std::string field = reader.Path(absl::StrCat("worker_selector[", label, "]"));
    reader.Fail(model::ValidateId(field, label));
    reader.Fail(model::ValidateId(field, value));
    options.worker_selector[label] = value;
  }
}

void ReadOrder(OptionReader& reader, const v1::JobOptions& request, model::JobOptions& options) {
  options.order_results = request.order_results();
  reader.Text("ordering_key", request.ordering_key(), model::kIdBytesMax, options.ordering_key);
}

void ReadShare(OptionReader& reader, const v1::JobOptions& request, int32_t workers, model::JobOptions& options) {
  reader.Number("max_workers", request.max_workers(), 1, model::kJobWorkersMax, workers, options.max_workers);
  reader.Number("initial_workers", request.initial_workers(), 1, options.max_workers, options.max_workers,
                options.initial_workers);
  reader.Number("priority", request.priority(), -model::kPriorityMax, model::kPriorityMax, 0, options.priority);
  reader.Number("weight", request.weight(), 1, model::kWeightMax, model::kWeightDefault, options.weight);
}

}  // namespace

absl::StatusOr<model::JobOptions> ReadJobOptions(std::string_view path, const v1::JobOptions& request,
                                                 int32_t workers) {
  OptionReader reader(path);
  model::JobOptions options;
  ReadShare(reader, request, workers, options);
  reader.Number("input_buffer_bytes", request.input_buffer_bytes(), 1, model::kBufferBytesMax,
                model::kInputBufferBytesDefault, options.input_buffer_bytes);
  reader.Number("output_buffer_bytes", request.output_buffer_bytes(), 1, model::kBufferBytesMax,
                model::kOutputBufferBytesDefault, options.output_buffer_bytes);
  reader.Duration("record_timeout", request.has_record_timeout(), request.record_timeout(), model::kRecordTimeoutMin,
                  model::kRecordTimeoutMax, options.record_timeout);
  if (!request.unique_key().empty()) {
    reader.Fail(model::ValidateId(reader.Path("unique_key"), request.unique_key()));
    options.unique_key = request.unique_key();
  }
  ReadRetry(reader, request.retry(), options.retry);
  ReadErrorBudget(reader, request, options);
  ReadThrottle(reader, request.throttle(), options.throttle);
  ReadOrder(reader, request, options);
  ReadSelector(reader, request, options);
  reader.Duration("target_chunk_time", request.has_target_chunk_time(), request.target_chunk_time(),
                  model::kTargetChunkTimeMin, model::kTargetChunkTimeMax, options.target_chunk_time);
  // Zero stands for never, below the shortest time that can be chosen.
  if (request.has_idle_timeout() && request.idle_timeout().seconds() == 0 && request.idle_timeout().nanos() == 0) {
    options.idle_timeout = absl::ZeroDuration();
  } else {
    reader.Duration("idle_timeout", request.has_idle_timeout(), request.idle_timeout(), model::kIdleTimeoutMin,
                    model::kIdleTimeoutMax, options.idle_timeout);
  }
  if (!reader.status().ok()) return reader.status();
  return options;
}

}  // namespace millrace::handlers
