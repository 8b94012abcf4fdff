#include "tests/server/execution/service_harness.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace millrace::execution {
namespace {

std::string WholeDefinition(std::string_view definition) {
  if (definition.find("service:") != std::string_view::npos) return std::string(definition);
  return "service: test/service\nversion: 1.0.0\n" + std::string(definition);
}

std::string DefinitionOf(std::string_view lua) {
  const std::string indented = absl::StrReplaceAll(std::string(lua), {{"\n", "\n      "}});
  return "inputs: {a: {required: false}, b: {required: false}, c: {required: false}}\n"
         "nodes:\n  value:\n    lua: |-\n      " +
         indented + "\noutputs: [value]\n";
}

}  // namespace

absl::StatusOr<core::ServiceDefinition> PlanService(std::string_view body) {
  absl::StatusOr<core::ServiceDefinition> definition = core::ParseServiceDefinition(WholeDefinition(body));
  if (!definition.ok()) return definition.status();
  return MakeLuaServiceCompiler(model::SystemClock::Get())->Plan(*std::move(definition));
}

std::string PlanError(std::string_view body) { return std::string(PlanService(body).status().message()); }

ServiceHarness::ServiceHarness(std::string_view definition, const model::Clock* clock)
    : compiler_(MakeLuaServiceCompiler(clock)) {
  const auto parsed = core::ParseServiceDefinition(WholeDefinition(definition));
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  const auto plan = compiler_->Plan(*parsed);
  EXPECT_TRUE(plan.ok()) << plan.status();
  auto runner = compiler_->MakeRunner(*plan);
  EXPECT_TRUE(runner.ok()) << runner.status();
  runner_ = *std::move(runner);
}

model::ChunkOutcome ServiceHarness::Run(const std::vector<std::string>& records, const ChunkSettings& settings) {
  return RunSome(records, {}, settings);
}

model::ChunkOutcome ServiceHarness::RunSome(const std::vector<std::string>& records,
                                            const std::vector<int32_t>& indexes, const ChunkSettings& settings) {
  std::string json_lines;
  for (const std::string& record : records) json_lines += record + "\n";
  json_lines.reserve(json_lines.size() + model::kPayloadPadding);
  return runner_->Run({.json_lines = json_lines,
                       .record_count = static_cast<int32_t>(records.size()),
                       .job_parameters_json = settings.job_parameters_json,
                       .chunk_parameters_json = settings.chunk_parameters_json,
                       .selected_outputs = settings.selected_outputs,
                       .summary = settings.summary,
                       .record_timeout = settings.record_timeout,
                       .random_seed = settings.random_seed,
                       .indexes = indexes,
                       .answers = settings.answers});
}

std::string ServiceHarness::RunOne(const std::string& record, const ChunkSettings& settings) {
  model::ChunkOutcome outcome = Run({record}, settings);
  if (!outcome.failures.empty()) {
    ADD_FAILURE() << outcome.failures[0].code << ": " << outcome.failures[0].message;
  }
  if (!outcome.json_lines.empty()) outcome.json_lines.pop_back();
  return outcome.json_lines;
}

std::string ServiceHarness::FailureOf(const std::string& record, const ChunkSettings& settings) {
  const model::ChunkOutcome outcome = Run({record}, settings);
  if (outcome.failures.size() != 1) {
    ADD_FAILURE() << "did not fail, but gave " << outcome.json_lines;
    return "";
  }
  EXPECT_EQ(outcome.json_lines, "null\n");
  return absl::StrCat(outcome.failures[0].code, ": ", outcome.failures[0].message);
}

std::string Evaluate(std::string_view lua, const std::string& record) {
  const std::string line = ServiceHarness(DefinitionOf(lua)).RunOne(record);
  constexpr std::string_view kBegin = R"({"value":)";
  return line.size() > kBegin.size() ? line.substr(kBegin.size(), line.size() - kBegin.size() - 1) : line;
}

std::string EvaluateFailure(std::string_view lua, const std::string& record) {
  return ServiceHarness(DefinitionOf(lua)).FailureOf(record);
}

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace millrace::execution
