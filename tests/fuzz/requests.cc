#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "server/core/page_token.h"
#include "server/core/record_lines.h"
#include "server/core/service_definition.h"
#include "server/execution/lua_service_compiler.h"
#include "storage/model/chunk.h"
#include "storage/model/clock.h"
#include "storage/model/errors.h"
#include "tests/fuzz/fuzz_targets.h"

namespace millrace::fuzz {
namespace {

constexpr char kEveryType[] = R"yaml(
service: fuzz/every-type
version: 1.0.0
inputs:
  any: {required: false}
  number: {type: number, required: false}
  integer: {type: integer, required: false, default: 7}
  text: {from: string, type: string, required: false}
  boolean: {type: boolean, required: false}
  object: {type: object, required: false}
  array: {type: array, required: false}
nodes:
  any_out: {lua: "any"}
  sum: {lua: "(number or 0) + (integer or 0)"}
  text_out: {lua: "text"}
  flag: {lua: "boolean"}
  object_out: {lua: "object"}
  array_out: {lua: "array"}
outputs: ["*", any_out, sum, text_out, flag, object_out, array_out]
)yaml";

std::unique_ptr<core::ServiceRunner> MakeRunner(std::string& fault) {
  static const std::unique_ptr<core::ServiceCompiler>& compiler =
      *new auto(execution::MakeLuaServiceCompiler(model::SystemClock::Get()));
  absl::StatusOr<core::ServiceDefinition> plan = core::ParseServiceDefinition(kEveryType);
  if (plan.ok()) plan = compiler->Plan(*plan);
  if (!plan.ok()) {
    fault = plan.status().ToString();
    return nullptr;
  }
  absl::StatusOr<std::unique_ptr<core::ServiceRunner>> runner = compiler->MakeRunner(*plan);
  if (runner.ok()) return *std::move(runner);
  fault = runner.status().ToString();
  return nullptr;
}

}  // namespace

std::string PageTokens(std::string_view bytes) {
  const absl::StatusOr<std::string> opened = core::OpenPageToken("ListJobs/default", bytes);
  if (!opened.ok() && !model::HasReason(opened.status(), model::Reason::kPageTokenInvalid)) {
    return opened.status().ToString();
  }
  const std::string sealed = core::SealPageToken("ListJobs/default", bytes);
  const absl::StatusOr<std::string> again = core::OpenPageToken("ListJobs/default", sealed);
  if (!again.ok() || *again != bytes) return "a token does not open to what was sealed";
  if (!bytes.empty() && core::OpenPageToken("ListJobs/other", sealed).ok()) return "a token opens for another list";
  return "";
}

std::string ServiceDefinitions(std::string_view bytes) {
  const absl::StatusOr<core::ServiceDefinition> definition = core::ParseServiceDefinition(bytes);
  if (!definition.ok()) {
    const bool told = model::HasReason(definition.status(), model::Reason::kServiceDefinitionInvalid);
    return told ? "" : definition.status().ToString();
  }
  const std::string canonical = core::CanonicalJson(*definition);
  if (!core::ParseJsonObject(canonical).ok()) return absl::StrCat("the canonical form is no JSON: ", canonical);
  return core::ConfigHash(*definition).size() == 64 ? "" : "the hash has not 64 digits";
}

std::string RunRecords(std::string_view bytes) {
  std::string fault;
  static core::ServiceRunner* const runner = MakeRunner(fault).release();
  if (runner == nullptr) return fault;
  core::RecordLines lines = core::NormaliseLines(std::string(bytes));
  if (lines.count == 0) return "";
  lines.bytes.reserve(lines.bytes.size() + model::kPayloadPadding);
  const std::vector<std::string> all_outputs;
  const model::SummarySpec no_summary;
  const model::ChunkOutcome outcome = runner->Run({.json_lines = lines.bytes,
                                                   .record_count = static_cast<int32_t>(lines.count),
                                                   .job_parameters_json = "{}",
                                                   .chunk_parameters_json = "",
                                                   .selected_outputs = all_outputs,
                                                   .summary = no_summary,
                                                   .record_timeout = absl::Seconds(5)});
  const auto out = std::count(outcome.json_lines.begin(), outcome.json_lines.end(), '\n');
  if (out != lines.count) return absl::StrCat(lines.count, " records have ", out, " lines of output");
  size_t begin = 0;
  for (int32_t index = 0; index < outcome.record_count; ++index) {
    const size_t end = outcome.json_lines.find('\n', begin);
    const std::string line = outcome.json_lines.substr(begin, end - begin);
    begin = end + 1;
    const bool failed = std::any_of(outcome.failures.begin(), outcome.failures.end(),
                                    [&](const model::RecordFailure& failure) { return failure.index == index; });
    if (failed != (line == "null")) return absl::StrCat("record ", index, " failed or not, its output is ", line);
    if (!failed && line.front() != '{') return absl::StrCat("the output of record ", index, " is ", line);
  }
  return "";
}

std::string JsonValues(std::string_view bytes) {
  const absl::StatusOr<google::protobuf::Value> value = core::ParseJsonValue(bytes);
  if (!value.ok()) return "";
  std::string first;
  if (const absl::Status written = core::AppendJson(*value, first); !written.ok()) {
    // Only its depth may be in the way.
    return written.message().find("nested deeper") == std::string::npos ? "a value that was read cannot be written"
                                                                        : "";
  }
  const absl::StatusOr<google::protobuf::Value> again = core::ParseJsonValue(first);
  if (!again.ok()) return absl::StrCat("what was written is no JSON: ", first);
  std::string second;
  if (!core::AppendJson(*again, second).ok() || first != second) return absl::StrCat(first, " is read as ", second);
  return "";
}

}  // namespace millrace::fuzz
