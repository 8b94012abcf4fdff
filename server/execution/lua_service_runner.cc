#include "server/execution/lua_service_runner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "server/execution/lua_json.h"
#include "server/execution/read_only.h"
#include "server/execution/text.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

namespace record_code = core::record_code;

// A sandbox that a record made this much larger is replaced: its free memory may not fit the next record.
constexpr size_t kSandboxGrowthMax = 8 * 1024 * 1024;

// Addresses of registry entries.
constexpr char kFunctionsKey = 0;
constexpr char kParametersKey = 0;

// Sets the fields of a JSON object in the table on top of the stack.
bool SetFields(lua_State* state, std::string_view json) {
  if (json.empty()) return true;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get_object().get(object)) return false;
  for (const auto field : object) {
    lua_pushlstring(state, field.key.data(), field.key.size());
    if (!PushReadOnlyJson(state, field.value)) return false;
    lua_rawset(state, -3);
  }
  return true;
}

}  // namespace

LuaServiceRunner::LuaServiceRunner(Program program, const model::Clock* clock)
    : program_(std::move(program)), clock_(clock), reader_(program_.inputs, program_.outputs) {}

model::ChunkOutcome LuaServiceRunner::Run(const core::ChunkRun& run) {
  if (selected_outputs_ != run.selected_outputs) SelectOutputs(run.selected_outputs);
  if (job_parameters_json_ != run.job_parameters_json || chunk_parameters_json_ != run.chunk_parameters_json) {
    job_parameters_json_ = run.job_parameters_json;
    chunk_parameters_json_ = run.chunk_parameters_json;
    has_new_parameters_ = true;
  }
  if (sandbox_ != nullptr) sandbox_->SetAnswers({});
  ChunkState chunk{.run = run, .summary = Summary(run.summary, program_)};
  chunk.nodes.resize(program_.nodes.size());
  chunk.unread = run.json_lines;
  chunk.outcome.process_time_ns.reserve(static_cast<size_t>(run.record_count));
  chunk.outcome.json_lines.reserve(emits_all_fields_ ? run.json_lines.size() * 3 / 2 : run.json_lines.size() / 2);
  chunk.record_start_nanos = clock_->SteadyNanos();
  const int64_t start_nanos = chunk.record_start_nanos;

  chunk_ = &chunk;
  while (!chunk.unread.empty()) {
    EnsureSandbox();
    lua_State* state = sandbox_->state();
    lua_pushcfunction(state, &RunRecords);
    lua_pushlightuserdata(state, this);
    const int status = lua_pcall(state, 1, 0, 0);
    if (status == LUA_OK) continue;
    RecordError error = sandbox_->TakeError(status);
    // Setting up failed before any record began: the first one answers for it.
    if (!chunk.in_record) BeginRecord();
    FailRecord(std::move(error));
  }
  chunk_ = nullptr;
  reader_.Shrink();

  chunk.outcome.record_count = chunk.record;
  chunk.outcome.compute_nanos = chunk.record_start_nanos - start_nanos;
  for (size_t i = 0; i < chunk.nodes.size(); ++i) {
    chunk.outcome.nodes.emplace(program_.nodes[i].name, std::move(chunk.nodes[i]));
  }
  chunk.summary.Finish(chunk.outcome);
  return std::move(chunk.outcome);
}

void LuaServiceRunner::SelectOutputs(const std::vector<std::string>& selected) {
  selected_outputs_ = selected;
  emits_all_fields_ = false;
  emitted_.clear();
  exclusive_.assign(program_.outputs.size(), false);
  for (size_t i = 0; i < program_.outputs.size(); ++i) {
    const std::string& output = program_.outputs[i];
    if (!selected.empty() && std::find(selected.begin(), selected.end(), output) == selected.end()) continue;
    if (const std::optional<int> value = program_.OutputValue(output)) {
      std::string key = ",";
      core::AppendJsonString(output, key);
      emitted_.push_back({.key = key + ":", .value = *value, .output = i});
      exclusive_[i] = true;
    } else {
      emits_all_fields_ = true;
    }
  }
}

void LuaServiceRunner::EnsureSandbox() {
  if (sandbox_ != nullptr && sandbox_->reserved_bytes() <= sandbox_bytes_ + kSandboxGrowthMax) return;
  sandbox_ = nullptr;
  sandbox_ = std::make_unique<Sandbox>(clock_);
  sandbox_bytes_ = sandbox_->reserved_bytes();
  has_new_parameters_ = true;
}

int LuaServiceRunner::RunRecords(lua_State* state) {
  auto& runner = *static_cast<LuaServiceRunner*>(lua_touserdata(state, 1));
  runner.PrepareStack(state);
  while (runner.BeginRecord()) {
    if (std::optional<RecordError> error = runner.RunRecord(state)) {
      runner.FailRecord(*std::move(error));
    } else {
      runner.EndRecord();
    }
    if (runner.sandbox_->reserved_bytes() > runner.sandbox_bytes_ + kSandboxGrowthMax) break;
  }
  return 0;
}

void LuaServiceRunner::PrepareStack(lua_State* state) {
  const int last = lua_function(2 * program_.nodes.size());
  luaL_checkstack(state, last + 256 + LUA_MINSTACK, nullptr);  // Functions take up to 255 arguments.
  lua_settop(state, kFirstValue + program_.parameters_value() - 1);
  if (has_new_parameters_) {
    PushParameters(state);
    lua_rawsetp(state, LUA_REGISTRYINDEX, &kParametersKey);
    has_new_parameters_ = false;
  }
  lua_rawgetp(state, LUA_REGISTRYINDEX, &kParametersKey);
  if (lua_rawgetp(state, LUA_REGISTRYINDEX, &kFunctionsKey) == LUA_TNIL) {
    lua_pop(state, 1);
    lua_createtable(state, static_cast<int>(2 * program_.nodes.size()), 0);
    for (const NodeProgram& node : program_.nodes) LoadFunction(state, node.lua);
    for (const NodeProgram& node : program_.nodes) LoadFunction(state, node.when.value_or(node.lua));
    lua_pushvalue(state, -1);
    lua_rawsetp(state, LUA_REGISTRYINDEX, &kFunctionsKey);
    sandbox_bytes_ = sandbox_->reserved_bytes();
  }
  const int functions = lua_gettop(state);
  for (size_t i = 1; i <= 2 * program_.nodes.size(); ++i) lua_rawgeti(state, functions, static_cast<lua_Integer>(i));
  lua_remove(state, functions);
}

// Appends a function to the table on top of the stack.
void LuaServiceRunner::LoadFunction(lua_State* state, const LuaFunction& function) {
  const std::string lua_name = "=" + function.chunk_name;
  if (luaL_loadbufferx(state, function.source.data(), function.source.size(), lua_name.c_str(), "t") != LUA_OK) {
    lua_error(state);
  }
  lua_call(state, 0, 1);
  lua_rawseti(state, -2, static_cast<lua_Integer>(lua_rawlen(state, -2)) + 1);
}

void LuaServiceRunner::PushParameters(lua_State* state) {
  lua_createtable(state, 0, 8);
  if (!SetFields(state, job_parameters_json_) || !SetFields(state, chunk_parameters_json_)) {
    sandbox_->Raise({.code = std::string(record_code::kInputType),
                     .message = "the parameters are no JSON object whose whole numbers fit into 64 bits"});
  }
  MarkEmptyObject(state);
  MakeReadOnly(state);
}

bool LuaServiceRunner::BeginRecord() {
  ChunkState& chunk = *chunk_;
  if (chunk.unread.empty()) return false;
  const size_t end = std::min(chunk.unread.find('\n'), chunk.unread.size());
  chunk.line = chunk.unread.substr(0, end);
  chunk.unread.remove_prefix(std::min(end + 1, chunk.unread.size()));
  chunk.output_begin = chunk.outcome.json_lines.size();
  chunk.in_record = true;
  if (chunk.run.running != nullptr) chunk.run.running->store(IndexInChunk(), std::memory_order_release);
  chunk.node.reset();
  chunk.blamed_node = {};
  sandbox_->BeginRecord(chunk.record_start_nanos, chunk.run.record_timeout,
                        chunk.run.random_seed + static_cast<uint64_t>(IndexInChunk()));
  return true;
}

int32_t LuaServiceRunner::IndexInChunk() const {
  const std::span<const int32_t> indexes = chunk_->run.indexes;
  return indexes.empty() ? chunk_->record : indexes[static_cast<size_t>(chunk_->record)];
}

std::optional<RecordError> LuaServiceRunner::RunRecord(lua_State* state) {
  ChunkState& chunk = *chunk_;
  if (std::optional<RecordError> error = reader_.Read(chunk.line)) return error;
  if (emits_all_fields_) {
    if (const std::optional<size_t> taken = reader_.TakenOutput(exclusive_)) {
      return RecordError{.code = std::string(record_code::kOutputNameTaken),
                         .message = absl::StrCat("the record has a field '", program_.outputs[*taken],
                                                 "', which is the name of an output")};
    }
  }
  for (size_t i = 0; i < program_.inputs.size(); ++i) {
    if (std::optional<RecordError> error = reader_.Push(state, i)) return error;
    lua_replace(state, kFirstValue + static_cast<int>(i));
  }
  chunk.node_start_nanos = clock_->SteadyNanos();
  for (size_t node = 0; node < program_.nodes.size(); ++node) {
    if (std::optional<RecordError> error = RunNode(state, node)) return error;
  }
  chunk.node.reset();
  return AppendOutput(state);
}

std::optional<RecordError> LuaServiceRunner::RunNode(lua_State* state, size_t node) {
  ChunkState& chunk = *chunk_;
  const NodeProgram& program = program_.nodes[node];
  model::NodeStatistics& statistics = chunk.nodes[node];
  chunk.node = node;
  chunk.blamed_node = program.name;
  sandbox_->EnterNode(static_cast<int>(node));
  if (!chunk.run.answers.empty()) GiveAnswers();
  ++statistics.record_count;

  bool runs = true;
  if (program.when.has_value()) {
    Call(state, when_function(node), program.when->arguments);
    runs = lua_toboolean(state, -1) != 0;
    lua_pop(state, 1);
  }
  if (runs) {
    Call(state, lua_function(node), program.lua.arguments);
  } else {
    lua_pushnil(state);
  }
  lua_replace(state, kFirstValue + program_.node_value(node));

  const int64_t now_nanos = clock_->SteadyNanos();
  if (sandbox_->IsLate(now_nanos)) return sandbox_->TimeoutError();
  if (runs) {
    ++statistics.success_count;
    AddRunTime(now_nanos - chunk.node_start_nanos, statistics);
  } else {
    ++statistics.skipped_count;
  }
  chunk.node_start_nanos = now_nanos;
  return std::nullopt;
}

// Those to what the record asked in the node that runs.
void LuaServiceRunner::GiveAnswers() {
  const int32_t index = IndexInChunk();
  std::vector<Sandbox::Answer> answers;
  for (const model::RecordAnswer& given : chunk_->run.answers) {
    if (given.index == index && given.node == chunk_->blamed_node) answers.push_back({given.question, given.answer});
  }
  sandbox_->SetAnswers(std::move(answers));
}

void LuaServiceRunner::Call(lua_State* state, int function, const std::vector<int>& arguments) {
  lua_pushvalue(state, function);
  for (const int argument : arguments) lua_pushvalue(state, kFirstValue + argument);
  lua_call(state, static_cast<int>(arguments.size()), 1);
}

std::optional<RecordError> LuaServiceRunner::AppendOutput(lua_State* state) {
  ChunkState& chunk = *chunk_;
  std::string& json = chunk.outcome.json_lines;
  // The next output needs no comma before it.
  bool first = true;
  if (emits_all_fields_) {
    // The line is a JSON object, so nothing but blanks is outside its braces.
    const std::string_view fields = chunk.line.substr(0, chunk.line.rfind('}'));
    const size_t begin = fields.find('{');
    json.append(fields.substr(begin));
    first = fields.find_first_not_of(" \t\r", begin + 1) == std::string_view::npos;
  } else {
    json.push_back('{');
  }
  for (const EmittedOutput& output : emitted_) {
    json.append(output.key, first ? 1 : 0);
    first = false;
    const auto value = static_cast<size_t>(output.value);
    const int index = kFirstValue + output.value;
    if (value < program_.inputs.size()) {
      chunk.blamed_node = {};
      // Nodes may have changed the table that they were given; the output is the input.
      if (lua_type(state, index) == LUA_TTABLE) {
        json.append(reader_.JsonOf(value));
        continue;
      }
    } else {
      chunk.blamed_node = program_.nodes[value - program_.inputs.size()].name;
    }
    if (const std::string problem = AppendLuaAsJson(state, index, json); !problem.empty()) {
      return RecordError{.code = std::string(record_code::kOutputInvalid),
                         .message = absl::StrCat("output '", program_.outputs[output.output], "': ", problem)};
    }
  }
  json.append("}\n");
  if (json.size() <= model::kChunkBytesMax) return std::nullopt;
  return RecordError{.code = std::string(record_code::kOutputInvalid), .message = OutputsTooLargeMessage()};
}

void LuaServiceRunner::EndRecord() {
  ChunkState& chunk = *chunk_;
  chunk.summary.AddRecord(sandbox_->state(), kFirstValue, IndexInChunk());
  for (const Label& label : sandbox_->labels()) {
    chunk.outcome.labels.push_back({.index = IndexInChunk(), .label = label.text, .count = label.count});
  }
  FinishRecord();
}

void LuaServiceRunner::FailRecord(RecordError error) {
  ChunkState& chunk = *chunk_;
  if (chunk.node.has_value()) {
    model::NodeStatistics& statistics = chunk.nodes[*chunk.node];
    ++(error.held ? statistics.hold_count : statistics.failure_count);
    AddRunTime(clock_->SteadyNanos() - chunk.node_start_nanos, statistics);
  }
  chunk.outcome.json_lines.resize(chunk.output_begin);
  chunk.outcome.json_lines.append("null\n");
  chunk.outcome.failures.push_back({.index = IndexInChunk(),
                                    .node = std::string(chunk.blamed_node),
                                    .code = std::move(error.code),
                                    .message = CleanText(error.message, model::kMessageTextBytesMax),
                                    .input = std::string(chunk.line),
                                    .transient = error.transient,
                                    .held = error.held});
  FinishRecord();
}

void LuaServiceRunner::FinishRecord() {
  ChunkState& chunk = *chunk_;
  for (const Warning& warning : sandbox_->warnings()) {
    chunk.outcome.warnings.push_back({.index = IndexInChunk(),
                                      .node = program_.nodes[static_cast<size_t>(warning.node)].name,
                                      .message = warning.message});
  }
  const int64_t now_nanos = clock_->SteadyNanos();
  chunk.outcome.process_time_ns.push_back(now_nanos - chunk.record_start_nanos);
  chunk.record_start_nanos = now_nanos;
  chunk.in_record = false;
  ++chunk.record;
}

void LuaServiceRunner::AddRunTime(int64_t nanos, model::NodeStatistics& statistics) {
  statistics.run_nanos += nanos;
  statistics.max_nanos = std::max(statistics.max_nanos, nanos);
  statistics.run_times.Add(nanos);
}

}  // namespace millrace::execution
