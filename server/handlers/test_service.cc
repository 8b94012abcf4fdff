#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/handlers/catalog_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/built_in.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

/// The stored version or the definition in the request, ready to run.
absl::StatusOr<core::PlannedService> ReadSubject(const v1::TestServiceRequest& request, const Call& call,
                                                 const Deps& deps) {
  if (request.service().empty() == request.definition().empty()) {
    return model::FieldError("service", "expected exactly one of service and definition");
  }
  if (!request.service().empty()) {
    const absl::StatusOr<model::ServiceReference> reference = ReadServiceReference("service", request.service());
    if (!reference.ok()) return reference.status();
    const absl::StatusOr<model::ServiceVersion> stored =
        deps.store.GetServiceVersion(call.principal.tenant, *reference);
    if (!stored.ok()) return stored.status();
    if (stored->service == model::kJobsService) {
      return model::FieldError("service", "a bulk run has no code to test; test the services of its jobs");
    }
    return core::PlanDefinition(deps.compiler, stored->definition);
  }
  if (absl::Status status = ValidateText("definition", request.definition(), model::kDefinitionBytesMax);
      !status.ok()) {
    return status;
  }
  return core::PlanDefinition(deps.compiler, request.definition());
}

/// The same outcome as a pipeline would store and return it.
model::ChunkResult ToResult(model::ChunkOutcome outcome, std::string config_hash) {
  model::ChunkResult result;
  result.record_count = outcome.record_count;
  result.json_lines = std::move(outcome.json_lines);
  for (model::RecordFailure& failure : outcome.failures) {
    result.errors.push_back({.index = failure.index,
                             .node = std::move(failure.node),
                             .code = std::move(failure.code),
                             .message = std::move(failure.message)});
  }
  result.warnings = std::move(outcome.warnings);
  result.process_time_ns = std::move(outcome.process_time_ns);
  result.summary = std::move(outcome.summary);
  result.summary_error = std::move(outcome.summary_error);
  result.config_hash = std::move(config_hash);
  return result;
}

}  // namespace

absl::StatusOr<v1::TestServiceResponse> TestService(v1::TestServiceRequest& request, const Call& call,
                                                    const Deps& deps) {
  absl::StatusOr<core::PlannedService> subject = ReadSubject(request, call, deps);
  if (!subject.ok()) return subject.status();
  absl::StatusOr<core::RecordLines> lines = TakeRecords("inputs", *request.mutable_inputs());
  if (!lines.ok()) return lines.status();
  if (lines->count > model::kTestRecordsMax || lines->bytes.size() > model::kTestBytesMax) {
    return model::WithField(
        model::MakeError(model::Reason::kChunkTooLarge,
                         absl::StrCat("inputs: expected at most ", model::kTestRecordsMax, " records and ",
                                      model::kTestBytesMax, " bytes, got ", lines->count, " records and ",
                                      lines->bytes.size(), " bytes; run more through a pipeline"),
                         {{"limit", absl::StrCat(model::kTestRecordsMax)}, {"actual", absl::StrCat(lines->count)}}),
        "inputs");
  }
  const absl::StatusOr<std::string> parameters =
      ReadParameters("parameters", request.has_parameters(), request.parameters());
  if (!parameters.ok()) return parameters.status();
  const absl::StatusOr<model::SummarySpec> summary = ReadSummary("summary", request.summary());
  if (!summary.ok()) return summary.status();
  const absl::StatusOr<std::unique_ptr<core::ServiceRunner>> runner = deps.compiler.MakeRunner(subject->plan);
  if (!runner.ok()) return runner.status();

  lines->bytes.reserve(lines->bytes.size() + model::kPayloadPadding);
  model::ChunkOutcome outcome = (*runner)->Run({.json_lines = lines->bytes,
                                                .record_count = static_cast<int32_t>(lines->count),
                                                .job_parameters_json = *parameters,
                                                .chunk_parameters_json = {},
                                                .selected_outputs = {},
                                                .summary = *summary,
                                                .record_timeout = model::kRecordTimeoutDefault,
                                                .random_seed = 0});
  v1::TestServiceResponse response;
  for (const core::ServiceNode& node : subject->plan.nodes) {
    *response.add_nodes() = core::ToProto(node.name, outcome.nodes[node.name]);
  }
  model::LabelCounts labels;
  for (const model::RecordLabel& label : outcome.labels) model::CountLabel(labels, label.label, label.count);
  core::AddLabels(labels, *response.mutable_labels());
  const model::ChunkResult result = ToResult(std::move(outcome), std::move(subject->config_hash));
  absl::StatusOr<v1::ChunkResult> as_structs = core::ToProto(result, v1::RESULT_ENCODING_STRUCT);
  if (!as_structs.ok()) return as_structs.status();
  *response.mutable_result() = *std::move(as_structs);
  response.mutable_result()->set_json_lines(result.json_lines);
  // Nothing is stored, so there is no exception to look up.
  for (v1::RecordError& error : *response.mutable_result()->mutable_errors()) error.clear_exception_id();
  return response;
}

}  // namespace millrace::handlers
