// How core and handlers see execution: something that checks a definition, and something that runs chunks through it.
// server/execution implements both.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/core/service_definition.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/service_version.h"

namespace millrace::core {

/// One chunk to be run.
struct ChunkRun {
  /// JSON Lines, `record_count` lines each ended by "\n", with kPayloadPadding bytes of capacity behind the end.
  const std::string& json_lines;
  int32_t record_count = 0;
  /// JSON objects, or empty. Chunk parameters override job parameters name by name.
  std::string_view job_parameters_json;
  std::string_view chunk_parameters_json;
  /// Empty: all outputs of the service. `*` among the outputs of a service is an output like any other.
  const std::vector<std::string>& selected_outputs;
  const model::SummarySpec& summary;
  absl::Duration record_timeout;
  /// Seeds `math.random` together with the index of the record: same seed, same numbers.
  uint64_t random_seed = 0;
  /// The index in the chunk of each record, ascending, where only some records of a chunk are run; empty: all are. What
  /// the outcome says about records, it says by these.
  std::span<const int32_t> indexes = {};
  /// Where the runner stores the index in the chunk of each record before it runs it. Null: nowhere.
  std::atomic<int32_t>* running = nullptr;
  /// What people answered to questions of records of the chunk, also of such that are not run.
  std::span<const model::RecordAnswer> answers = {};
};

/// Runs chunks through one service version. Owns a sandbox; used by one thread at a time.
class ServiceRunner {
 public:
  virtual ~ServiceRunner() = default;

  /// Runs every record that it is given. What goes wrong with a record becomes a failure of the outcome. Where something
  /// goes wrong with the run itself (memory, a defect), it throws; the runner must not be used again then.
  virtual model::ChunkOutcome Run(const ChunkRun& run) = 0;
};

/// Checks definitions and makes runners. Thread-safe.
class ServiceCompiler {
 public:
  virtual ~ServiceCompiler() = default;

  /// Compiles every expression, finds what each names, and returns the definition with `depends_on` filled in and the
  /// nodes in an order in which they can run (by name where the order is free). SERVICE_DEFINITION_INVALID for
  /// Lua that does not compile, unknown names, assignments to globals, and cycles (the message draws the cycle).
  virtual absl::StatusOr<ServiceDefinition> Plan(ServiceDefinition definition) const = 0;

  /// Makes a runner for a definition as returned by Plan.
  virtual absl::StatusOr<std::unique_ptr<ServiceRunner>> MakeRunner(const ServiceDefinition& plan) const = 0;
};

/// Seeds what is random while a chunk runs: the same for every run of it, different for every chunk.
uint64_t RandomSeed(const model::JobKey& job, int64_t sequence);

/// A definition that is ready to run, and what names its code.
struct PlannedService {
  ServiceDefinition plan;
  std::string config_hash;
};

/// Reads and plans the text of a definition. SERVICE_DEFINITION_INVALID, as ParseServiceDefinition and Plan.
absl::StatusOr<PlannedService> PlanDefinition(const ServiceCompiler& compiler, std::string_view text);

/// The plan of a stored version. What is stored was planned when it came in: an error here is a defect, or a
/// definition that a newer server wrote.
absl::StatusOr<ServiceDefinition> PlanStored(const ServiceCompiler& compiler, const model::ServiceVersion& version);

/// Codes of records that Millrace itself fails; docs/ERRORS.md explains them. A service adds its own through `fail`.
namespace record_code {
inline constexpr std::string_view kNotJson = "RECORD_NOT_JSON";
inline constexpr std::string_view kNotObject = "RECORD_NOT_OBJECT";
inline constexpr std::string_view kNotUtf8 = "RECORD_NOT_UTF8";
inline constexpr std::string_view kTooDeep = "RECORD_TOO_DEEP";
inline constexpr std::string_view kTooLarge = "RECORD_TOO_LARGE";
inline constexpr std::string_view kInputMissing = "INPUT_MISSING";
inline constexpr std::string_view kInputType = "INPUT_TYPE";
inline constexpr std::string_view kFailed = "FAILED";
inline constexpr std::string_view kTransient = "TRANSIENT";
inline constexpr std::string_view kHeld = "HELD";
static_assert(kHeld == model::kHeldCode);
inline constexpr std::string_view kLuaError = "LUA_ERROR";
inline constexpr std::string_view kInstructionLimit = "INSTRUCTION_LIMIT";
inline constexpr std::string_view kMemoryLimit = "MEMORY_LIMIT";
inline constexpr std::string_view kRecordTimeout = "RECORD_TIMEOUT";
inline constexpr std::string_view kOutputInvalid = "OUTPUT_INVALID";
inline constexpr std::string_view kOutputNameTaken = "OUTPUT_NAME_TAKEN";
inline constexpr std::string_view kRunFailed = "RUN_FAILED";
inline constexpr std::string_view kInputLost = "INPUT_LOST";
static_assert(kInputLost == model::kInputLostCode);
inline constexpr std::string_view kWorkerDied = "WORKER_DIED";
inline constexpr std::string_view kChildFailed = "CHILD_FAILED";
inline constexpr std::string_view kChildCancelled = "CHILD_CANCELLED";
inline constexpr std::string_view kChildPartial = "CHILD_PARTIAL";
}  // namespace record_code

}  // namespace millrace::core
