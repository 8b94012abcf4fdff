// Runs chunks through one compiled service.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/core/service_runner.h"
#include "server/execution/lua_program.h"
#include "server/execution/record_reader.h"
#include "server/execution/sandbox.h"
#include "server/execution/summary.h"
#include "storage/model/clock.h"

namespace millrace::execution {

/// Keeps one sandbox for all records of all chunks, and makes a new one when a record has blown it up. Used by one
/// thread at a time.
///
/// Lua runs in one protected call for as long as all goes well. Where a record raises an error, the call ends, the
/// record is written off, and a new call goes on with the next record.
class LuaServiceRunner final : public core::ServiceRunner {
 public:
  LuaServiceRunner(Program program, const model::Clock* clock);

  model::ChunkOutcome Run(const core::ChunkRun& run) override;

 private:
  // What a chunk needs while it runs.
  struct ChunkState {
    const core::ChunkRun& run;
    Summary summary;
    model::ChunkOutcome outcome;
    // By node.
    std::vector<model::NodeStatistics> nodes;
    std::string_view unread;

    // The record that runs: its number and text, where its output begins, when it began.
    int32_t record = 0;
    std::string_view line;
    size_t output_begin = 0;
    int64_t record_start_nanos = 0;
    // True from BeginRecord to EndRecord or FailRecord.
    bool in_record = false;
    // The node that runs and the clock when it began; none outside nodes.
    std::optional<size_t> node;
    int64_t node_start_nanos = 0;
    // The node to name should the record fail now.
    std::string_view blamed_node;
  };
  // An output that is asked for.
  struct EmittedOutput {
    // `,"name":`
    std::string key;
    int value = 0;
    // Its place among the outputs of the program.
    size_t output = 0;
  };

  void GiveAnswers();
  void SelectOutputs(const std::vector<std::string>& selected);

  void EnsureSandbox();

  // Inside the protected call.
  static int RunRecords(lua_State* state);
  void PrepareStack(lua_State* state);
  static void LoadFunction(lua_State* state, const LuaFunction& function);
  void PushParameters(lua_State* state);
  std::optional<RecordError> RunRecord(lua_State* state);
  std::optional<RecordError> RunNode(lua_State* state, size_t node);
  std::optional<RecordError> AppendOutput(lua_State* state);
  static void Call(lua_State* state, int function, const std::vector<int>& arguments);

  // Inside and outside of it.
  bool BeginRecord();
  // The index in its chunk of the record that runs.
  int32_t IndexInChunk() const;
  void EndRecord();
  void FailRecord(RecordError error);
  void FinishRecord();
  static void AddRunTime(int64_t nanos, model::NodeStatistics& statistics);

  // Where things are on the stack: the values of a record, then the functions of the nodes.
  int lua_function(size_t node) const { return kFirstValue + program_.parameters_value() + 1 + static_cast<int>(node); }
  int when_function(size_t node) const { return lua_function(program_.nodes.size() + node); }

  static constexpr int kFirstValue = 2;

  const Program program_;
  const model::Clock* const clock_;
  RecordReader reader_;
  std::unique_ptr<Sandbox> sandbox_;
  // What the sandbox held when it was set up.
  size_t sandbox_bytes_ = 0;
  // The parameters of the chunk; the sandbox has them unless they are new.
  std::string job_parameters_json_;
  std::string chunk_parameters_json_;
  bool has_new_parameters_ = true;
  ChunkState* chunk_ = nullptr;

  std::optional<std::vector<std::string>> selected_outputs_;
  bool emits_all_fields_ = false;
  std::vector<EmittedOutput> emitted_;
  // By output of the program: whether no field may bear its name, because both would be emitted.
  std::vector<bool> exclusive_;
};

}  // namespace millrace::execution
