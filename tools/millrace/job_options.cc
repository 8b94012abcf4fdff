// The options that say how a job runs.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/millrace/pipeline_options.h"

namespace millrace::cli {
namespace {

/// An option whose value, checked as a T, goes to a setter of the message: a field that is not given stays absent.
template <typename T>
CLI::Option* AddSetter(CLI::App* command, const std::string& name, const std::string& type,
                       std::function<void(const T&)> set, const std::string& help) {
  return command->add_option_function<T>(name, std::move(set), help)->type_name(type);
}

void AddDurationSetter(CLI::App* command, const std::string& name, std::function<google::protobuf::Duration*()> field,
                       const std::string& help) {
  command
      ->add_option_function<std::string>(
          name,
          [name, field = std::move(field)](const std::string& text) {
            absl::Duration duration = ParseDurationOption(name, text);
            google::protobuf::Duration& target = *field();
            target.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
            target.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
          },
          help)
      ->type_name("DURATION");
}

void AddSizeSetter(CLI::App* command, const std::string& name, std::function<void(const int64_t&)> set,
                   const std::string& help) {
  AddSetter<int64_t>(command, name, "SIZE", std::move(set), help)->transform(CLI::AsSizeValue(true).description(""));
}

void AddWebhookEvents(const std::string& list, v1::Webhook& webhook) {
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(list, ','))) {
    v1::WebhookEvent event = v1::WEBHOOK_EVENT_UNSPECIFIED;
    v1::WebhookEvent_Parse(absl::StrCat("WEBHOOK_EVENT_", absl::AsciiStrToUpper(name)), &event);
    if (event == v1::WEBHOOK_EVENT_UNSPECIFIED) {
      throw CLI::ValidationError("--webhook-events",
                                 absl::StrCat("expected ended, paused or first_exception, not ", name));
    }
    webhook.add_events(event);
  }
}

void AddWebhookOptions(CLI::App* command, v1::JobOptions& job) {
  // None: a webhook without a URL, where the server would take its default otherwise.
  CLI::Option* const url = AddSetter<std::string>(
      command, "--webhook", "URL",
      [&job](const std::string& text) { job.mutable_webhook()->set_url(text == "none" ? "" : text); },
      "Tell this URL, which the server must allow, of what happens to the job; none tells nobody (default: as the "
      "server "
      "was started)");
  AddSetter<std::string>(
      command, "--webhook-events", "EVENTS",
      [&job](const std::string& list) { AddWebhookEvents(list, *job.mutable_webhook()); },
      "What it is told, with commas between: ended, paused, first_exception (default: ended)")
      ->needs(url);
  AddSetter<std::string>(
      command, "--webhook-secret", "NAME", [&job](const std::string& name) { job.mutable_webhook()->set_secret(name); },
      "Sign what it is told with this secret of the server (default: not signed)")
      ->needs(url);
}

}  // namespace

absl::Duration ParseDurationOption(const std::string& name, const std::string& text) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration < absl::ZeroDuration()) {
    throw CLI::ValidationError(name, absl::StrCat("expected a duration like 30s, 5m or 1h30m, not ", text));
  }
  return duration;
}

void AddJobOptions(CLI::App* command, PipelineOptions& options) {
  v1::JobOptions& job = options.job;
  AddSetter<int32_t>(
      command, "--max-workers", "N", [&job](int32_t n) { job.set_max_workers(n); },
      "The most chunks that run at once; 1 runs them in order (default: all workers of the server)");
  AddSetter<int32_t>(
      command, "--initial-workers", "N", [&job](int32_t n) { job.set_initial_workers(n); },
      "Chunks that run at once at the start, doubled each second (default: --max-workers)");
  AddSizeSetter(
      command, "--input-buffer-bytes", [&job](int64_t bytes) { job.set_input_buffer_bytes(bytes); },
      "Refuse pushes while this much input waits; pieces of a source wait, too (default: 70MB)");
  AddSizeSetter(
      command, "--output-buffer-bytes", [&job](int64_t bytes) { job.set_output_buffer_bytes(bytes); },
      "Start no chunk while this much output is not acknowledged (default: 80MB)");
  AddSetter<int32_t>(
      command, "--priority", "N", [&job](int32_t n) { job.set_priority(n); },
      "-100 to 100; while a job of higher priority can run, no lower one does (default: 0)");
  AddSetter<int32_t>(
      command, "--weight", "N", [&job](int32_t n) { job.set_weight(n); },
      "1 to 1000; the share of the workers among jobs of one priority (default: 1)");
  AddSetter<double>(
      command, "--records-per-second", "N", [&job](double n) { job.mutable_throttle()->set_records_per_second(n); },
      "Start no more records a second than this (default: no limit)");
  AddDurationSetter(
      command, "--chunk-delay", [&job] { return job.mutable_throttle()->mutable_delay_between_chunks(); },
      "The least time between the starts of two chunks (default: none)");
  AddDurationSetter(
      command, "--record-timeout", [&job] { return job.mutable_record_timeout(); },
      "The longest one record may run (default: 5s)");
  AddDurationSetter(
      command, "--idle-timeout", [&job] { return job.mutable_idle_timeout(); },
      "Close the pipeline when nothing happened for this long; 0s is never (default: 30m)");
  AddSetter<int32_t>(
      command, "--max-attempts", "N", [&job](int32_t n) { job.mutable_retry()->set_max_attempts(n); },
      "How often a failing chunk is tried (default: 4)");
  AddDurationSetter(
      command, "--retry-backoff", [&job] { return job.mutable_retry()->mutable_initial_backoff(); },
      "The wait before the second attempt, doubled for each further one (default: 1s)");
  AddDurationSetter(
      command, "--retry-backoff-max", [&job] { return job.mutable_retry()->mutable_max_backoff(); },
      "The longest wait between attempts (default: 1m)");
  AddSetter<double>(
      command, "--max-failed-ratio", "RATIO", [&job](double ratio) { job.set_max_failed_ratio(ratio); },
      "Fail the job when a larger share of its records fails, 0 to 1 (default: 1, never)");
  AddSetter<int64_t>(
      command, "--min-records-for-ratio", "N", [&job](int64_t n) { job.set_min_records_for_ratio(n); },
      "Judge --max-failed-ratio after this many records (default: 0)");
  command->add_flag_callback(
      "--stop-on-error", [&job] { job.set_stop_on_error(true); }, "End the job at the first record that fails");
  command->add_flag_callback(
      "--order-results", [&job] { job.set_order_results(true); }, "Hand results out in push order");
  AddSetter<std::string>(
      command, "--ordering-key", "FIELD", [&job](const std::string& field) { job.set_ordering_key(field); },
      "Records with the same value in this field run in order, never two at once");
  AddDurationSetter(
      command, "--target-chunk-time", [&job] { return job.mutable_target_chunk_time(); },
      "The time a chunk should take where the server chooses its size (default: 200ms)");
  command
      ->add_option("--worker-label", options.worker_labels,
                   "Run only on workers with this label, as `millraced --worker-label` gives it. Repeated: with all of "
                   "them")
      ->type_name("LABEL=VALUE")
      ->expected(1)
      ->take_all();
  AddSetter<std::string>(
      command, "--unique-key", "KEY", [&job](const std::string& key) { job.set_unique_key(key); },
      "Refuse when another active job has the same key");
  AddWebhookOptions(command, job);
  AddDurationSetter(
      command, "--retention", [&job] { return job.mutable_retention(); },
      "Delete the job this long after its end; 0s is never (default: as the server was started)");
  command->add_flag_callback(
      "--drop-unresolved-exceptions", [&job] { job.set_drop_unresolved_exceptions(true); },
      "Unresolved exceptions do not keep the job beyond --retention; its events name what is deleted");
}

}  // namespace millrace::cli
