#include "tools/crash/workload.h"

#include <cmath>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace millrace::crash {
namespace {

// More than a chunk has records, so that no two records of a pipeline have the same number.
constexpr int64_t kNumbersPerChunk = 32;

int64_t NumberOf(int64_t index, int32_t place) { return index * kNumbersPerChunk + place; }

/// The value of the one output in a line of a result; nothing for `null`.
std::optional<double> OutputIn(const std::string& line) {
  const size_t at = line.find("\"double\":");
  if (line == "null" || at == std::string::npos) return std::nullopt;
  return std::strtod(line.c_str() + at + 9, nullptr);
}

std::string FaultOfSummary(const v1::ChunkResult& result, double sum) {
  if (result.summary_size() != 1) return absl::StrCat("has no summary: ", result.summary_error());
  if (result.summary(0).value() != sum) return absl::StrCat("sums up to ", result.summary(0).value(), ", not ", sum);
  return "";
}

}  // namespace

const char kService[] = R"yaml(
service: crash/double
version: 1.0.0
inputs:
  n: {type: number}
nodes:
  double:
    lua: >
      n % 11 == 3 and fail('ELEVENTH', 'every eleventh record fails')
      or n % 97 == 5 and retry('BUSY', 'some records never find their peer')
      or n * 2
outputs: [double]
)yaml";

v1::CreatePipelineRequest MakeRequest(const PipelinePlan& plan) {
  v1::CreatePipelineRequest request;
  request.set_service(std::string(kServiceName));
  request.set_request_id(std::string(plan.id));
  request.set_pipeline_id(std::string(plan.id));
  request.mutable_options()->set_max_workers(plan.max_workers);
  request.mutable_options()->set_input_buffer_bytes(plan.input_buffer_bytes);
  request.mutable_options()->set_output_buffer_bytes(plan.output_buffer_bytes);
  request.mutable_options()->set_order_results(plan.ordered);
  v1::RetryPolicy& retry = *request.mutable_options()->mutable_retry();
  retry.set_max_attempts(3);
  retry.mutable_initial_backoff()->set_nanos(2'000'000);
  return request;
}

v1::Chunk MakeChunk(int64_t index) {
  v1::Chunk chunk;
  chunk.set_id(absl::StrCat("c-", index));
  std::string& lines = *chunk.mutable_data()->mutable_inputs()->mutable_json_lines();
  for (int32_t place = 0; place < RecordCount(index); ++place) absl::StrAppend(&lines, RecordText(index, place), "\n");
  v1::Summary& summary = *chunk.mutable_data()->mutable_summary();
  summary.set_ignore_error(true);
  summary.add_aggregations()->set_output_name("double");
  summary.mutable_aggregations(0)->set_operator_(v1::SUM);
  return chunk;
}

std::optional<int64_t> IndexOf(std::string_view chunk_id) {
  int64_t index = 0;
  const std::string text(chunk_id);
  if (text.rfind("c-", 0) != 0 || !absl::SimpleAtoi(text.substr(2), &index) || index < 0) return std::nullopt;
  return index;
}

int32_t RecordCount(int64_t index) { return static_cast<int32_t>(1 + index * 7 % 23); }

std::string RecordText(int64_t index, int32_t place) {
  return absl::StrCat(R"({"n":)", NumberOf(index, place), R"(,"note":"left alone by the service"})");
}

std::optional<double> ExpectedOutput(int64_t index, int32_t place) {
  const int64_t number = NumberOf(index, place);
  if (number % 11 == 3 || number % 97 == 5) return std::nullopt;
  return static_cast<double>(number) * 2;
}

std::string FaultOf(const v1::ChunkResult& result) {
  const std::optional<int64_t> index = IndexOf(result.chunk_id());
  if (!index.has_value()) return "names a chunk that nobody pushed";
  if (result.record_count() != RecordCount(*index)) return absl::StrCat("has ", result.record_count(), " records");
  std::vector<std::string> lines = absl::StrSplit(result.json_lines(), '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.size() != static_cast<size_t>(RecordCount(*index))) return absl::StrCat("has ", lines.size(), " lines");
  double sum = 0;
  int failed = 0;
  for (int32_t place = 0; place < RecordCount(*index); ++place) {
    const std::optional<double> expected = ExpectedOutput(*index, place);
    const std::string& line = lines[static_cast<size_t>(place)];
    if (OutputIn(line) != expected) return absl::StrCat("has at place ", place, ": ", line);
    sum += expected.value_or(0);
    if (expected.has_value()) continue;
    if (failed >= result.errors_size() || result.errors(failed).index() != place) {
      return absl::StrCat("has no error for place ", place);
    }
    ++failed;
  }
  if (result.errors_size() != failed || result.failed_count() != failed) return "has errors of records that are fine";
  return FaultOfSummary(result, sum);
}

uint64_t HashOf(const v1::ChunkResult& result) {
  uint64_t hash = 14'695'981'039'346'656'037ULL;  // FNV-1a
  for (const char byte : result.SerializeAsString()) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 1'099'511'628'211ULL;
  }
  return hash;
}

}  // namespace millrace::crash
