#include "server/handlers/job_options.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/handlers/option_reader.h"
#include "storage/model/errors.h"
#include "storage/model/ids.h"
#include "storage/model/limits.h"
#include "storage/model/worker_labels.h"

namespace millrace::handlers {
namespace {

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
  CheckFailedRatio(reader, options.max_failed_ratio);
  options.min_records_for_ratio = request.min_records_for_ratio();
  reader.Check(options.min_records_for_ratio >= 0, "min_records_for_ratio", "expected 0 or more");
  options.stop_on_error = request.stop_on_error();
}

void ReadSelector(OptionReader& reader, const v1::JobOptions& request, model::JobOptions& options) {
  reader.Check(request.worker_selector_size() <= model::kWorkerLabelsMax, "worker_selector",
               absl::StrCat("expected at most ", model::kWorkerLabelsMax, " labels"));
  for (const auto& [label, value] : request.worker_selector()) {
    const std::string field = reader.Path(absl::StrCat("worker_selector[", label, "]"));
    reader.Fail(model::ValidateWorkerLabel(field, label, value));
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

void CheckFailedRatio(OptionReader& reader, double ratio) {
  // Written so that NaN is wrong too.
  reader.Check(ratio >= 0 && ratio <= 1, "max_failed_ratio", "expected 0 to 1");
}

void ReadThrottle(OptionReader& reader, const v1::Throttle& request, model::Throttle& throttle) {
  throttle.records_per_second = request.records_per_second();
  reader.Check(throttle.records_per_second >= 0 && throttle.records_per_second <= model::kThrottleRecordsPerSecondMax,
               "throttle.records_per_second", "expected 0 (no limit) to 1e9");
  reader.Duration("throttle.delay_between_chunks", request.has_delay_between_chunks(), request.delay_between_chunks(),
                  absl::ZeroDuration(), model::kThrottleDelayMax, throttle.delay_between_chunks);
}

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
