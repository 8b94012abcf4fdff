#include "tests/golden/golden_folder.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <set>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/model/built_in.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_rows.h"
#include "tests/support/describe.h"
#include "tests/support/factories.h"

namespace millrace::golden {
namespace {

using format::Family;
using model::JobKey;
using model::JobState;
using store::JobStore;
using testing::Describe;
using testing::ExampleJob;
using testing::ExampleVersion;

constexpr int32_t kAll = std::numeric_limits<int32_t>::max();
constexpr char kOtherTenant[] = "elsewhere";

JobKey Key(std::string_view id) { return {std::string(testing::kTenant), std::string(id)}; }

model::Job JobWithEveryOption() {
  model::Job job = ExampleJob("every-option");
  job.metadata = {"name", "description", "project", {"tag", "another"}, "source", "correlation", "purpose"};
  job.options.max_workers = 7;
  job.options.input_buffer_bytes = 12'345;
  job.options.output_buffer_bytes = int64_t{1} << 33;
  job.options.record_timeout = absl::Milliseconds(1'500);
  job.options.unique_key = "one-at-a-time";
  job.options.initial_workers = 3;
  job.options.retry = {9, absl::Milliseconds(20), absl::Seconds(30)};
  job.options.max_failed_ratio = 0.875;
  job.options.min_records_for_ratio = 1'000;
  job.options.stop_on_error = true;
  job.options.idle_timeout = absl::Hours(5);
  job.options.throttle = {12.5, absl::Milliseconds(40)};
  job.options.priority = -6;
  job.options.weight = 8;
  job.options.order_results = true;
  job.options.ordering_key = "customer";
  job.options.target_chunk_time = absl::Milliseconds(350);
  job.options.worker_selector = {{"zone", "b"}, {"gpu", "yes"}};
  job.request_id = "request-1";
  job.request_hash = "request-hash-1";
  return job;
}

/// Writes through the verbs of the store, and stops at the first that is refused.
class Writer {
 public:
  Writer(JobStore& store, model::ManualClock& clock) : store_(store), clock_(clock) {}

  void Version(model::ServiceVersion version) { Note(store_.CreateServiceVersion(std::move(version)).status()); }
  void Create(const model::Job& job) { Note(store_.CreateJob(job).status()); }
  void Close(std::string_view id) { Note(store_.CloseJob(Key(id)).status()); }
  void Fail(std::string_view id, std::string_view why) { Note(store_.FailJob(Key(id), why).status()); }
  void CloseIdle(std::string_view id) {
    absl::StatusOr<model::JobPtr> job = store_.GetJob(Key(id));
    if (job.ok()) job = store_.CloseIdleJob(*job);
    Note(job.status());
  }
  void Cancel(std::string_view id, bool force) { Note(store_.CancelJob(Key(id), "no longer needed", force).status()); }
  void Acknowledge(std::string_view id, int64_t cursor) {
    Note(store_.Acknowledge(Key(id), cursor, "cursor").status());
  }

  void Push(std::string_view id, int count) {
    store::PushChunks request{.job = Key(id), .chunks = {}};
    for (int i = 1; i <= count; ++i) request.chunks.push_back(testing::ExampleChunk(absl::StrCat("chunk-", i)));
    request.chunks[0].parameters_json = R"({"rate":3})";
    request.chunks[0].summary = {true,
                                 {{"m", model::AggregationOperator::kMean}, {"m", model::AggregationOperator::kSum}}};
    Note(store::Await<store::PushReceipt>([&](auto done) {
           store_.PushChunks(std::move(request), std::move(done));
         }).status());
  }

  void Commit(std::string_view id, int64_t sequence, int32_t failed = 0, std::string_view message = "unknown size") {
    model::ChunkCommit commit = testing::ExampleCommit(Key(id), sequence, 3, failed);
    commit.epoch = store_.epoch();
    for (model::RecordFailure& failure : commit.outcome.failures) {
      failure.message = std::string(message);
      failure.retries = 3;
    }
    commit.outcome.records_retried = failed;
    commit.outcome.warnings.push_back({1, "mass", "careful"});
    if (sequence == 1) commit.outcome.summary = {{"m", model::AggregationOperator::kMean, true, 2, 3}};
    if (sequence == 2) commit.outcome.summary_error = "a record failed";
    Note(store::Await<model::JobPtr>([&](auto done) {
           store_.CommitChunk(std::move(commit), std::move(done));
         }).status());
  }

  absl::Status status() const { return status_; }

 private:
  void Note(absl::Status status) {
    clock_.Advance(absl::Seconds(1));
    status_.Update(std::move(status));
  }

  JobStore& store_;
  model::ManualClock& clock_;
  absl::Status status_;
};

absl::Status WriteWithVerbs(JobStore& store, model::ManualClock& clock) {
  Writer write(store, clock);
  for (const char* version : {"1.0.0", "1.1.0", "2.0.0-rc.1"}) write.Version(ExampleVersion(version));
  write.Version(ExampleVersion("0.3.0", "demo/other"));
  model::ServiceVersion elsewhere = ExampleVersion();
  elsewhere.tenant = kOtherTenant;
  write.Version(elsewhere);

  for (const char* id : {"created", "in-progress", "closed", "completed", "partial", "cancelled", "cancelled-by-force",
                         "paused", "closed-by-timeout", "completed-by-timeout", "failed"}) {
    write.Create(ExampleJob(id));
  }
  model::Job job = ExampleJob("in-another-tenant");
  job.tenant = kOtherTenant;
  write.Create(job);
  write.Create(JobWithEveryOption());
  write.Push("every-option", 4);
  write.Commit("every-option", 1);
  // Committed ahead of one that waits.
  write.Push("in-progress", 6);
  write.Commit("in-progress", 1);
  write.Commit("in-progress", 4, 2);
  write.Acknowledge("in-progress", 1);
  write.Push("closed", 3);
  write.Commit("closed", 2, 1);
  write.Close("closed");
  write.Push("completed", 2);
  write.Commit("completed", 2);
  write.Commit("completed", 1);
  write.Close("completed");
  write.Push("partial", 4);
  write.Commit("partial", 1, 3);
  write.Commit("partial", 2, 1, "speed 12 is too low");
  write.Commit("partial", 3, 2, "speed 977 is too low");
  write.Commit("partial", 4);
  write.Acknowledge("partial", 3);
  write.Close("partial");
  for (const char* id : {"cancelled", "cancelled-by-force"}) {
    write.Push(id, 3);
    write.Commit(id, 1, 1);
    write.Commit(id, 2);
    write.Acknowledge(id, 1);
  }
  write.Cancel("cancelled", false);
  write.Cancel("cancelled-by-force", true);
  for (const char* id : {"paused", "closed-by-timeout", "completed-by-timeout", "failed"}) {
    write.Push(id, 2);
    write.Commit(id, 1, 1);
    if (std::string_view(id) != "closed-by-timeout") write.Commit(id, 2);
  }
  write.CloseIdle("completed-by-timeout");
  write.Fail("failed", "the service cannot be run");
  return write.status();
}

/// States that no verb of this room leads to, or not with so few chunks, put into the rows as a verb would leave them.
absl::Status WriteOtherStates(engine::Engine& engine) {
  const std::vector<std::pair<std::string, JobState>> states = {{"paused", JobState::kPaused},
                                                                {"closed-by-timeout", JobState::kClosedByTimeout}};
  const std::unique_ptr<engine::WriteUnit> unit = engine.NewUnit();
  for (const auto& [id, state] : states) {
    const absl::StatusOr<model::JobPtr> stored = store::LoadJob(engine, Key(id));
    if (!stored.ok()) return stored.status();
    model::Job job = **stored;
    job.state = state;
    if (state != JobState::kPaused) job.input_close_time = job.update_time;
    unit->Put(store::At(Family::kJobs), format::JobProgressKey(job.key()), format::EncodeJobProgress(job));
  }
  return engine.Write(*unit, true);
}

std::string DescribeJob(const JobStore& store, const model::Job& job) {
  const JobKey key = job.key();
  std::string text = absl::StrCat("==== job ", key.tenant, "/", key.job_id, "\n", Describe(job));
  for (int64_t sequence = 1; sequence <= job.last_sequence; ++sequence) {
    absl::StrAppend(&text, "-- chunk ", sequence, "\n", Describe(store.ReadChunk(key, sequence)));
  }
  absl::StrAppend(&text, "-- results\n",
                  Describe(store.ReadResults(key, 0, kAll, std::numeric_limits<int64_t>::max())));
  // What stands beside the nodes came later than the first folder.
  const absl::StatusOr<model::RunStatistics> run = store.GetRunStatistics(key);
  absl::StrAppend(&text, "-- nodes\n",
                  run.ok() ? Describe(model::RunStatistics{.nodes = run->nodes}) : Describe(run.status()));
  const auto exceptions = store.ListExceptions({.job = key, .fingerprint = "", .page_size = kAll});
  absl::StrAppend(&text, "-- exceptions\n",
                  exceptions.ok() ? Describe(exceptions->items) : Describe(exceptions.status()));
  absl::StrAppend(&text, "-- groups\n", Describe(store.ListExceptionGroups(key)));
  return text;
}

std::string DescribeTenant(const JobStore& store, const std::string& tenant) {
  std::string text;
  auto services = store.ListServices(tenant, kAll, "");
  // What is built into the server is not in the folder.
  if (services.ok())
    std::erase_if(services->items, [](const auto& item) { return item.service == model::kJobsService; });
  absl::StrAppend(&text, "==== services of ", tenant, "\n",
                  services.ok() ? Describe(services->items) : Describe(services.status()));
  for (const char* service : {"demo/double", "demo/other"}) {
    absl::StrAppend(&text, "-- versions of ", service, "\n", Describe(store.ListServiceVersions(tenant, service)));
  }
  store::ListJobsQuery query;
  query.tenant = tenant;
  query.page_size = kAll;
  const auto jobs = store.ListJobs(query);
  if (!jobs.ok()) return text + Describe(jobs.status());
  for (const model::JobPtr& job : jobs->items) text += DescribeJob(store, *job);
  return text;
}

/// What RocksDB needs of a folder. The rest speaks of the machine, and is made anew.
void DropByproducts(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> byproducts;
  const std::filesystem::directory_iterator files(folder);
  for (const auto& file : files) {
    const std::string name = file.path().filename().string();
    if (name == "LOCK" || name == "IDENTITY" || absl::StartsWith(name, "LOG") || absl::StartsWith(name, "OPTIONS")) {
      byproducts.push_back(file.path());
    }
  }
  for (const std::filesystem::path& file : byproducts) std::filesystem::remove(file);
}

}  // namespace

absl::Status WriteGoldenFolder(const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder)) return absl::AlreadyExistsError(folder.string());
  model::ManualClock clock(testing::At(0));
  const store::RocksJobStoreOptions options{.folder = folder, .clock = &clock};
  absl::StatusOr<std::unique_ptr<JobStore>> store = store::OpenRocksJobStore(options);
  if (!store.ok()) return store.status();
  if (absl::Status written = WriteWithVerbs(**store, clock); !written.ok()) return written;
  store->reset();
  {
    // Opening writes what is in the log into tables; what is written now stays in the log: both are to be read.
    const absl::StatusOr<std::unique_ptr<engine::Engine>> engine = engine::OpenEngine(EngineOptionsOf(options));
    if (!engine.ok()) return engine.status();
    if (absl::Status written = WriteOtherStates(**engine); !written.ok()) return written;
  }
  DropByproducts(folder);
  return absl::OkStatus();
}

absl::StatusOr<std::string> DescribeFolder(const std::filesystem::path& folder) {
  model::ManualClock clock(testing::At(1'000'000));
  const store::RocksJobStoreOptions options{.folder = folder, .clock = &clock};
  const absl::StatusOr<std::unique_ptr<JobStore>> store = store::OpenRocksJobStore(options);
  if (!store.ok()) return store.status();
  std::string text = absl::StrCat("epoch ", (*store)->epoch(), "\n");
  std::set<std::string> active;
  const std::vector<model::JobPtr> jobs = (*store)->ActiveJobs();
  for (const model::JobPtr& job : jobs) active.insert(job->id);
  for (const std::string& id : active) absl::StrAppend(&text, "active: ", id, "\n");
  for (const std::string& tenant : {std::string(testing::kTenant), std::string(kOtherTenant)}) {
    text += DescribeTenant(**store, tenant);
  }
  return text;
}

}  // namespace millrace::golden
