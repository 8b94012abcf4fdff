// Each stage of the data path alone, in this process: what the whole could reach at best.

#include <lz4.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "server/core/service_definition.h"
#include "server/execution/lua_service_compiler.h"
#include "storage/store/rocks_job_store.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::bench {
namespace {

const model::Clock& SteadyClock() { return *model::SystemClock::Get(); }

/// Repeats `round`, which handles `records` records, for about a second.
double RateOf(int64_t records, const std::function<void()>& round) {
  constexpr int64_t kNanos = 1'000'000'000;
  const int64_t begin = SteadyClock().SteadyNanos();
  int64_t rounds = 0;
  int64_t elapsed = 0;
  while (elapsed < kNanos) {
    round();
    ++rounds;
    elapsed = SteadyClock().SteadyNanos() - begin;
  }
  return static_cast<double>(records * rounds) * kNanos / static_cast<double>(elapsed);
}

double CompressRate(const std::vector<std::string>& chunks) {
  std::string packed;
  return RateOf(static_cast<int64_t>(chunks.size()) * kChunkRecords, [&] {
    for (const std::string& chunk : chunks) {
      const int size = static_cast<int>(chunk.size());
      packed.resize(static_cast<size_t>(LZ4_compressBound(size)));
      LZ4_compress_default(chunk.data(), packed.data(), size, static_cast<int>(packed.size()));
    }
  });
}

double EvaluateRate(const std::vector<std::string>& chunks, const char* definition) {
  const auto compiler = execution::MakeLuaServiceCompiler(&SteadyClock());
  const auto runner = compiler->MakeRunner(*compiler->Plan(*core::ParseServiceDefinition(definition)));
  std::vector<std::string> padded = chunks;
  for (std::string& chunk : padded) chunk.reserve(chunk.size() + model::kPayloadPadding);
  const std::vector<std::string> all_outputs;
  const model::SummarySpec no_summary;
  return RateOf(static_cast<int64_t>(chunks.size()) * kChunkRecords, [&] {
    for (const std::string& chunk : padded) {
      (*runner)->Run({.json_lines = chunk,
                      .record_count = kChunkRecords,
                      .job_parameters_json = R"({"rate":0.25})",
                      .chunk_parameters_json = {},
                      .selected_outputs = all_outputs,
                      .summary = no_summary,
                      .record_timeout = absl::Seconds(5),
                      .random_seed = 1});
    }
  });
}

/// Pushes all chunks and commits an outcome of the same size for each, `in_flight` at a time.
double StoreRate(const std::vector<std::string>& chunks, int in_flight) {
  const harness::TemporaryFolder folder;
  const auto store = store::OpenRocksJobStore({.folder = folder.path(), .clock = &SteadyClock()});
  const model::ServiceVersion version = *(*store)->CreateServiceVersion({.tenant = "default",
                                                                         .service = "bench/formula-a",
                                                                         .version = "1.0.0",
                                                                         .service_id = "s",
                                                                         .version_id = "v",
                                                                         .definition = kFormulaA,
                                                                         .config_hash = "h"});
  model::Job job;
  job.tenant = "default";
  job.id = "store-alone";
  job.service = version.service;
  job.service_version = version.version;
  job.version_id = version.version_id;
  job.options.input_buffer_bytes = model::kBufferBytesMax;
  job.options.output_buffer_bytes = model::kBufferBytesMax;
  const model::JobKey key = job.key();
  if (!(*store)->CreateJob(job).ok()) return 0;

  int64_t sequence = 0;
  return RateOf(int64_t{in_flight} * kChunkRecords, [&] {
    absl::BlockingCounter pushed(in_flight);
    for (int i = 0; i < in_flight; ++i) {
      store::PushChunks push{.job = key, .chunks = {}};
      const std::string& lines = chunks[static_cast<size_t>(sequence + i) % chunks.size()];
      push.chunks.push_back(
          {.id = absl::StrCat("c", sequence + i), .json_lines = lines, .record_count = kChunkRecords});
      (*store)->PushChunks(std::move(push), [&](const auto&) { pushed.DecrementCount(); });
    }
    pushed.Wait();
    absl::BlockingCounter committed(in_flight);
    for (int i = 0; i < in_flight; ++i) {
      model::ChunkCommit commit{.job = key, .sequence = ++sequence, .epoch = (*store)->epoch(), .config_hash = "h"};
      commit.outcome.record_count = kChunkRecords;
      commit.outcome.json_lines = chunks[static_cast<size_t>(sequence) % chunks.size()];
      (*store)->CommitChunk(std::move(commit), [&](const auto&) { committed.DecrementCount(); });
    }
    committed.Wait();
  });
}

}  // namespace

absl::StatusOr<Report> RunStages(const BenchOptions&) {
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks);
  return Report{"stages",
                {{"compress a chunk (lz4, one core)", CompressRate(chunks), "records/s", {}},
                 {"evaluate formula A (one core)", EvaluateRate(chunks, kFormulaA), "records/s", {}},
                 {"evaluate formula B (one core)", EvaluateRate(chunks, kFormulaB), "records/s", {}},
                 {"store: durable push + commit, 16 in flight", StoreRate(chunks, 16), "records/s", {}},
                 {"store: durable push + commit, 1 in flight", StoreRate(chunks, 1), "records/s", {}}}};
}

}  // namespace millrace::bench
