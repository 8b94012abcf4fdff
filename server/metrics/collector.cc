#include "server/metrics/collector.h"

#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "server/core/version.h"
#include "storage/model/job_rules.h"

namespace millrace::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

/// Gathers families in the order in which they are begun.
class Families {
 public:
  /// What follows belongs to this family.
  void Begin(const char* name, MetricType type, const char* help) { families_.push_back({name, help, type, {}}); }
  void Counter(const char* name, const char* help) { Begin(name, MetricType::Counter, help); }
  void Gauge(const char* name, const char* help) { Begin(name, MetricType::Gauge, help); }

  void Add(double value, Labels labels = {}) {
    ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    if (families_.back().type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
  }
  void Add(int64_t value, Labels labels = {}) { Add(static_cast<double>(value), std::move(labels)); }

  void Add(const model::HistogramCounts& counts, Labels labels = {}) {
    if (counts.counts.empty()) return;
    ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    uint64_t cumulative = 0;
    for (size_t i = 0; i < counts.counts.size(); ++i) {
      cumulative += static_cast<uint64_t>(counts.counts[i]);
      const double bound = i < counts.bounds.size() ? counts.bounds[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({cumulative, bound});
    }
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum = counts.sum;
  }

  /// A gauge or counter of a single value.
  void One(const char* name, MetricType type, const char* help, int64_t value) {
    Begin(name, type, help);
    Add(value);
  }

  std::vector<MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

std::string StateLabel(model::JobState state) { return absl::AsciiStrToLower(std::string(model::JobStateName(state))); }

void AddTotals(const std::vector<core::TenantTotals>& tenants, Families& families) {
  using Totals = core::TenantTotals;
  const auto by_state = [&](std::initializer_list<std::pair<const char*, int64_t Totals::*>> states) {
    for (const Totals& tenant : tenants) {
      for (const auto& [state, value] : states)
        families.Add(tenant.*value, {{"tenant", tenant.tenant}, {"state", state}});
    }
  };
  const auto by_tenant = [&](int64_t Totals::*value) {
    for (const Totals& tenant : tenants) families.Add(tenant.*value, {{"tenant", tenant.tenant}});
  };

  families.Counter("millrace_records_total", "Records since the server started, by what became of them.");
  by_state({{"submitted", &Totals::records_submitted},
            {"completed", &Totals::records_completed},
            {"failed", &Totals::records_failed},
            {"held", &Totals::records_held},
            {"skipped", &Totals::records_skipped},
            {"retried", &Totals::records_retried}});
  families.Counter("millrace_chunks_total", "Chunks since the server started, by what became of them.");
  by_state({{"submitted", &Totals::chunks_submitted},
            {"completed", &Totals::chunks_completed},
            {"failed", &Totals::chunks_failed},
            {"skipped", &Totals::chunks_skipped},
            {"retried", &Totals::chunks_retried}});
  families.Counter("millrace_jobs_ended_total", "Jobs that came to an end since the server started, by their state.");
  for (const Totals& tenant : tenants) {
    for (const auto& [state, count] : tenant.jobs_ended) {
      families.Add(count, {{"tenant", tenant.tenant}, {"state", StateLabel(state)}});
    }
  }
  families.Gauge("millrace_jobs", "Jobs that have not ended, by their state.");
  for (const Totals& tenant : tenants) {
    for (const auto& [state, count] : tenant.jobs) {
      families.Add(count, {{"tenant", tenant.tenant}, {"state", StateLabel(state)}});
    }
  }
  families.Gauge("millrace_chunks_pending", "Chunks that are pushed and not committed.");
  by_tenant(&Totals::chunks_pending);
  families.Gauge("millrace_records_pending", "Records that are pushed and not committed.");
  by_tenant(&Totals::records_pending);
  families.Gauge("millrace_oldest_wait_seconds", "How long the chunk that waits longest has been waiting.");
  for (const Totals& tenant : tenants) {
    families.Add(absl::ToDoubleSeconds(tenant.oldest_wait), {{"tenant", tenant.tenant}});
  }
  families.Begin("millrace_chunk_wait_seconds", MetricType::Histogram,
                 "How long chunks waited from their push to the start of their first attempt.");
  for (const Totals& tenant : tenants) families.Add(tenant.chunk_waits, {{"tenant", tenant.tenant}});
  families.Gauge("millrace_input_buffer_bytes", "Input that is pushed and not committed.");
  by_tenant(&Totals::input_buffer_bytes);
  families.Gauge("millrace_output_buffer_bytes", "Output of unfinished jobs that is not acknowledged.");
  by_tenant(&Totals::output_buffer_bytes);
  families.Gauge("millrace_input_buffer_allocated_bytes", "What unfinished jobs may hold as input that waits.");
  by_tenant(&Totals::input_buffer_allocated_bytes);
  families.Gauge("millrace_output_buffer_allocated_bytes", "What unfinished jobs may hold as output that waits.");
  by_tenant(&Totals::output_buffer_allocated_bytes);
}

void AddCalls(const core::CallLedger& ledger, Families& families) {
  const std::vector<core::MethodCalls> calls = ledger.Read();
  families.Counter("millrace_calls_total", "Answered calls.");
  for (const core::MethodCalls& method : calls) {
    for (const auto& [code, count] : method.by_code) families.Add(count, {{"method", method.method}, {"code", code}});
  }
  families.Begin("millrace_call_seconds", MetricType::Histogram,
                 "How long calls took, long polls and streams included.");
  for (const core::MethodCalls& method : calls) families.Add(method.seconds, {{"method", method.method}});
  families.One("millrace_calls_running", MetricType::Gauge, "Calls that have begun and not ended.", ledger.running());
}

void AddStore(const store::StoreStatistics& store, Families& families) {
  families.Begin("millrace_commit_group_verbs", MetricType::Histogram,
                 "Verbs that shared one write of the commit lane.");
  families.Add(store.group_verbs);
  families.Begin("millrace_commit_seconds", MetricType::Histogram,
                 "How long a write of the commit lane took, with its sync.");
  families.Add(store.write_seconds);
  families.One("millrace_commit_failures_total", MetricType::Counter, "Writes of the commit lane that failed.",
               store.failed_writes);
  const engine::EngineStatistics& engine = store.engine;
  const auto gauge = [&](const char* name, const char* help, int64_t value) {
    families.One(name, MetricType::Gauge, help, value);
  };
  gauge("millrace_storage_file_bytes", "Size of the sorted files of the data folder.", engine.file_bytes);
  gauge("millrace_storage_memtable_bytes", "Memory that holds what is not in sorted files yet.", engine.memtable_bytes);
  gauge("millrace_storage_block_cache_bytes", "Memory that holds blocks read from disk.", engine.block_cache_bytes);
  gauge("millrace_storage_compaction_pending_bytes", "What must still be rewritten until the files are in order.",
        engine.compaction_pending_bytes);
  gauge("millrace_storage_compactions_running", "Compactions that run.", engine.running_compactions);
  gauge("millrace_storage_flushes_running", "Flushes that run.", engine.running_flushes);
  gauge("millrace_storage_writes_stopped", "1 while no write goes through.", engine.writes_stopped ? 1 : 0);
  families.Counter("millrace_storage_stalls_total", "Times that writes were held back because compaction was behind.");
  families.Add(engine.write_slowdowns, {{"kind", "slowdown"}});
  families.Add(engine.write_stops, {{"kind", "stop"}});
  families.One("millrace_storage_background_errors_total", MetricType::Counter,
               "Flushes and compactions that failed: a full or broken disk.", engine.background_errors);
}

void AddWebhooks(const core::WebhookCounts& webhooks, Families& families) {
  families.Counter("millrace_webhook_attempts_total", "Attempts to tell webhooks of events, by how they ended.");
  families.Add(webhooks.delivered.load(), {{"outcome", "delivered"}});
  families.Add(webhooks.failed_attempts.load(), {{"outcome", "failed"}});
  families.One("millrace_webhooks_given_up_total", MetricType::Counter, "Events that webhooks will never be told.",
               webhooks.given_up);
  families.One("millrace_webhooks_waiting", MetricType::Gauge, "Events that webhooks are still to be told.",
               webhooks.waiting);
}

void AddSchedules(const core::ScheduleCounts& schedules, Families& families) {
  families.Counter("millrace_schedule_runs_total",
                   "Runs of schedules since the server started, by what became of them.");
  families.Add(schedules.submitted.load(), {{"state", "submitted"}});
  families.Add(schedules.completed.load(), {{"state", "completed"}});
  families.Add(schedules.skipped.load(), {{"state", "skipped"}});
  families.Add(schedules.refused.load(), {{"state", "refused"}});
  families.One("millrace_schedule_missed_total", MetricType::Counter,
               "Fire times since the server started that were missed and have no run of their own.", schedules.missed);
  families.Gauge("millrace_schedules", "Schedules, by their state.");
  families.Add(schedules.active.load(), {{"state", "active"}});
  families.Add(schedules.paused.load(), {{"state", "paused"}});
  families.Add(schedules.ended.load(), {{"state", "ended"}});
  families.One("millrace_schedule_next_fire_time_seconds", MetricType::Gauge,
               "When the next schedule fires, in Unix seconds; 0 where none does.", schedules.next_fire_seconds);
}

}  // namespace

std::vector<MetricFamily> Collector::Collect() const {
  Families families;
  families.Gauge("millrace_build_info", "Always 1; the version is a label.");
  families.Add(int64_t{1}, {{"version", std::string(core::ServerVersion())}});
  families.Gauge("millrace_start_time_seconds", "When the server started, in Unix seconds.");
  families.Add(absl::ToDoubleSeconds(sources_.start_time - absl::UnixEpoch()));
  families.One("millrace_epoch", MetricType::Gauge, "How often the data folder was opened.", sources_.store.epoch());
  families.One("millrace_workers", MetricType::Gauge, "Threads of the worker pool.", sources_.workers);
  families.One("millrace_workers_busy", MetricType::Gauge, "Chunks that run now.", sources_.leases.running());
  families.One("millrace_chunks_in_flight", MetricType::Gauge, "Chunks that run now, or wait to be committed.",
               sources_.leases.in_flight());
  AddTotals(sources_.jobs.Read(), families);
  AddCalls(sources_.calls, families);
  AddStore(sources_.store.Statistics(), families);
  AddWebhooks(sources_.webhooks, families);
  AddSchedules(sources_.schedules, families);
  return families.Take();
}

}  // namespace millrace::metrics
