// Runs records through a service definition as a test writes it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/core/service_runner.h"
#include "server/execution/lua_service_compiler.h"
#include "storage/model/chunk.h"
#include "storage/model/clock.h"

namespace millrace::execution {

/// A clock that moves on by `step_nanos` each time it is read.
class SteppingClock final : public model::Clock {
 public:
  explicit SteppingClock(int64_t step_nanos) : step_nanos_(step_nanos) {}

  absl::Time Now() const override { return absl::UnixEpoch(); }
  int64_t SteadyNanos() const override { return nanos_ += step_nanos_; }
  /// Every moment comes by itself.
  void WaitUntil(std::condition_variable_any&, absl::Mutex&, int64_t) const override {}

 private:
  const int64_t step_nanos_;
  mutable int64_t nanos_ = 0;
};

/// What a chunk runs with beside its records.
struct ChunkSettings {
  std::string job_parameters_json = "{}";
  std::string chunk_parameters_json;
  std::vector<std::string> selected_outputs;
  model::SummarySpec summary;
  /// Long, so that only those meet it who ask for it, however slow the machine.
  absl::Duration record_timeout = absl::Hours(1);
  uint64_t random_seed = 0;
  std::vector<model::RecordAnswer> answers = {};
};

/// Parses and plans a definition; `body` is what follows its name and version.
absl::StatusOr<core::ServiceDefinition> PlanService(std::string_view body);

/// The message of the error that a definition is refused with; empty when it is accepted.
std::string PlanError(std::string_view body);

/// A service ready to run.
class ServiceHarness {
 public:
  /// `definition` is a body as in PlanService, or whole when it has a line `service:`. Must be valid.
  explicit ServiceHarness(std::string_view definition, const model::Clock* clock = model::SystemClock::Get());

  /// Runs `records`, none of which may hold a line break.
  model::ChunkOutcome Run(const std::vector<std::string>& records, const ChunkSettings& settings = {});

  /// Runs some records of a chunk, whose places in it are `indexes`.
  model::ChunkOutcome RunSome(const std::vector<std::string>& records, const std::vector<int32_t>& indexes,
                              const ChunkSettings& settings = {});

  /// The output line of one record that must not fail.
  std::string RunOne(const std::string& record, const ChunkSettings& settings = {});

  /// The failure of one record that must fail, as `code: message`.
  std::string FailureOf(const std::string& record, const ChunkSettings& settings = {});

 private:
  std::unique_ptr<core::ServiceCompiler> compiler_;
  std::unique_ptr<core::ServiceRunner> runner_;
};

/// The value of `lua` as JSON, with the inputs a, b and c of any type, none required, taken from `record`.
std::string Evaluate(std::string_view lua, const std::string& record = "{}");

/// The failure of `lua` in the same service, as `code: message`.
std::string EvaluateFailure(std::string_view lua, const std::string& record = "{}");

/// The lines of a text.
std::vector<std::string> Lines(std::string_view text);

}  // namespace millrace::execution
