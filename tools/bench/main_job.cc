#include "tools/bench/main_job.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/client.h"
#include "client/cpp/pipeline.h"
#include "storage/model/clock.h"
#include "tools/bench/records.h"
#include "tools/harness/server_process.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::bench {
namespace {

double Seconds() { return static_cast<double>(model::SystemClock::Get()->SteadyNanos()) * 1e-9; }

/// User and system time that a process has used, from /proc/PID/stat (proc(5), fields 14 and 15).
double CpuSecondsOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream rest(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  double user = 0, system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// What is read back, checked as it comes.
struct Ledger {
  int64_t results = 0;
  int64_t records = 0;
  double total = 0;

  absl::Status Add(const v1::ChunkResult& result) {
    if (result.number() != results + 1) {
      return absl::DataLossError(absl::StrCat("expected result ", results + 1, ", got ", result.number()));
    }
    if (result.failed_count() > 0)
      return absl::InternalError(absl::StrCat("a record failed: ", result.errors(0).message()));
    if (std::count(result.json_lines().begin(), result.json_lines().end(), '\n') != result.record_count()) {
      return absl::DataLossError("a result has other lines than records");
    }
    ++results;
    records += result.record_count();
    total += result.summary(0).value();
    return absl::OkStatus();
  }
};

absl::StatusOr<Ledger> ReadAll(client::Pipeline& pipeline, client::PullerOptions options) {
  absl::StatusOr<std::unique_ptr<client::Puller>> puller = pipeline.NewPuller(std::move(options));
  if (!puller.ok()) return puller.status();
  Ledger ledger;
  for (;;) {
    absl::StatusOr<std::optional<v1::ChunkResult>> result = (*puller)->Next();
    if (!result.ok()) return result.status();
    if (!result->has_value()) return ledger;
    if (absl::Status status = ledger.Add(**result); !status.ok()) return status;
  }
}

absl::Status PushAll(client::Pipeline& pipeline, const std::vector<std::string>& chunks, int64_t count) {
  absl::StatusOr<std::unique_ptr<client::Pusher>> pusher =
      pipeline.NewPusher({.max_calls_in_flight = 8, .max_bytes_per_call = 256 * 1024, .max_bytes_in_flight = 2 << 20});
  if (!pusher.ok()) return pusher.status();
  for (int64_t i = 0; i < count; ++i) {
    v1::Chunk chunk;
    chunk.mutable_data()->mutable_inputs()->set_json_lines(chunks[static_cast<size_t>(i) % chunks.size()]);
    v1::Aggregation& sum = *chunk.mutable_data()->mutable_summary()->add_aggregations();
    sum.set_output_name("total");
    sum.set_operator_(v1::SUM);
    if (const auto id = (*pusher)->Push(std::move(chunk)); !id.ok()) return id.status();
  }
  return (*pusher)->Flush();
}

absl::Status Check(const Ledger& ledger, int64_t records, double total) {
  if (ledger.records != records) {
    return absl::DataLossError(absl::StrCat("pushed ", records, " records, read back ", ledger.records));
  }
  if (std::abs(ledger.total - total) > std::abs(total) * 1e-9) {
    return absl::DataLossError(absl::StrCat("expected a total of ", total, ", read back ", ledger.total));
  }
  return absl::OkStatus();
}

/// The sum of formula A over the chunks, from the text itself: what the server must arrive at.
double ExpectedTotal(const std::vector<std::string>& chunks, int64_t count) {
  std::vector<double> totals;
  for (const std::string& chunk : chunks) {
    double total = 0;
    size_t at = 0;
    while ((at = chunk.find("\"value\":", at)) != std::string::npos) {
      const double value = std::stod(chunk.substr(at + 8, 16));
      at = chunk.find("\"qty\":", at);
      total += value * std::stod(chunk.substr(at + 6, 8)) * 1.25;
    }
    totals.push_back(total);
  }
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += totals[static_cast<size_t>(i) % totals.size()];
  return sum;
}

}  // namespace

absl::StatusOr<MainJobReport> RunMainJob(const MainJobOptions& options, const std::vector<std::string>& chunks) {
  const int64_t count = options.records / kChunkRecords;
  const int64_t records = count * kChunkRecords;
  const double expected_total = ExpectedTotal(chunks, count);
  const harness::TemporaryFolder folder;
  std::vector<std::string> flags = {"--log-level", "warn"};
  if (options.workers > 0) flags.insert(flags.end(), {"--workers", absl::StrCat(options.workers)});
  const auto server = harness::ServerProcess::Start(options.server_binary, folder.path(), 0, flags);
  if (!server.ok()) return server.status();
  client::ClientOptions client_options;
  client_options.endpoint = (*server)->address();
  const absl::StatusOr<client::Client> client = client::Client::Connect(client_options);
  if (!client.ok()) return client.status();
  v1::CreateServiceVersionRequest service;
  service.set_definition(kFormulaA);
  if (const auto created = client->CreateServiceVersion(service); !created.ok()) return created.status();
  v1::CreatePipelineRequest create;
  create.set_service("bench/formula-a");
  (*create.mutable_parameters()->mutable_fields())["rate"].set_number_value(0.25);
  absl::StatusOr<client::Pipeline> pipeline = client::Pipeline::Create(*client, create);
  if (!pipeline.ok()) return pipeline.status();

  // A second connection for the results, as a program that pulls on its own would have.
  client_options.user_agent_prefix = "millrace-bench-reader/1";
  const absl::StatusOr<client::Client> reader = client::Client::Connect(client_options);
  if (!reader.ok()) return reader.status();
  absl::StatusOr<client::Pipeline> read_end = client::Pipeline::Attach(*reader, pipeline->id());
  if (!read_end.ok()) return read_end.status();

  const double begin = Seconds();
  const double cpu_begin = CpuSecondsOf((*server)->pid());
  absl::StatusOr<Ledger> ledger = absl::UnknownError("nothing was read");
  std::thread read([&] { ledger = ReadAll(*read_end, {.page_size = 100}); });
  absl::Status pushed = PushAll(*pipeline, chunks, count);
  const double push_seconds = Seconds() - begin;
  const absl::StatusOr<v1::Job> closed = pipeline->Close();
  read.join();
  const double seconds = Seconds() - begin;
  const double cpu_seconds = CpuSecondsOf((*server)->pid()) - cpu_begin;
  if (!pushed.ok()) return pushed;
  if (!closed.ok()) return closed.status();
  if (!ledger.ok()) return ledger.status();
  if (absl::Status status = Check(*ledger, records, expected_total); !status.ok()) return status;

  const double again_begin = Seconds();
  const absl::StatusOr<Ledger> again = ReadAll(*read_end, {.after = 0});
  const double again_seconds = Seconds() - again_begin;
  if (!again.ok()) return again.status();
  if (absl::Status status = Check(*again, records, expected_total); !status.ok()) return status;

  const double pushed_records = static_cast<double>(records);
  return MainJobReport{.records_per_second = pushed_records / seconds,
                       .push_records_per_second = pushed_records / push_seconds,
                       .pull_records_per_second = pushed_records / again_seconds,
                       .server_cpu_us_per_chunk = cpu_seconds * 1e6 / static_cast<double>(count)};
}

}  // namespace millrace::bench
