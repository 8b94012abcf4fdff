#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/core/convert.h"
#include "server/core/json_struct.h"
#include "server/core/service_definition.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/job_outputs.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

using model::ResolutionKind;

/// One line of JSON Lines. Between the tokens of JSON a line end is a space, and within a string there is none.
absl::StatusOr<std::string> ReadObjectLine(std::string_view field, std::string_view json,
                                           google::protobuf::Struct& object) {
  if (json.size() > model::kRecordBytesMax) {
    return model::FieldError(field,
                             absl::StrCat("expected at most ", model::kRecordBytesMax, " bytes, got ", json.size()));
  }
  absl::StatusOr<google::protobuf::Struct> parsed = core::ParseJsonObject(json);
  if (!parsed.ok()) {
    return model::FieldError(field, absl::StrCat("expected a JSON object: ", parsed.status().message()));
  }
  object = *std::move(parsed);
  std::string line(json);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::replace(line.begin(), line.end(), '\r', ' ');
  return line + "\n";
}

absl::Status CheckOutputs(const google::protobuf::Struct& given, const std::vector<std::string>& outputs) {
  const auto has = [&](std::string_view name) {
    return std::find(outputs.begin(), outputs.end(), name) != outputs.end();
  };
  if (has(core::kAllFields)) return absl::OkStatus();
  for (const auto& field : given.fields()) {
    if (has(field.first)) continue;
    return model::FieldError("outputs", absl::StrCat("results of the job have no '", field.first, "'; they have ",
                                                     absl::StrJoin(outputs, ", ")));
  }
  return absl::OkStatus();
}

absl::Status ReadAnswer(const std::string& answer, const model::RecordException& exception,
                        store::ResolveExceptions& resolve) {
  if (answer.empty()) return model::FieldError("answer", "expected what a person says to the question");
  if (absl::Status status = ValidateText("answer", answer, model::kAnswerBytesMax); !status.ok()) return status;
  if (!exception.held) {
    return model::FieldError("answer",
                             absl::StrCat("expected an exception that is held; this one failed with ", exception.code));
  }
  resolve.kind = ResolutionKind::kAnswer;
  resolve.answer = answer;
  resolve.chunk.json_lines = exception.input + "\n";
  return absl::OkStatus();
}

/// What was answered before to questions of this record goes on with it; not with another input in its place, about which
/// nobody was asked.
std::vector<model::RecordAnswer> AnswersOf(const model::RecordException& exception,
                                           const std::vector<model::RecordAnswer>& given,
                                           const store::ResolveExceptions& resolve) {
  std::vector<model::RecordAnswer> answers;
  if (resolve.kind != ResolutionKind::kAnswer) return answers;
  for (const model::RecordAnswer& earlier : given) {
    const bool is_same_question = earlier.node == exception.node && earlier.question == exception.message;
    if (earlier.index != exception.index || is_same_question) continue;
    answers.push_back(earlier);
    answers.back().index = 0;
  }
  answers.push_back({.index = 0, .node = exception.node, .question = exception.message, .answer = resolve.answer});
  return answers;
}

/// Fills in what is special to each kind of resolution.
absl::Status ReadResolution(const v1::ResolveExceptionRequest& request, const model::RecordException& exception,
                            const model::Job& job, const Deps& deps, store::ResolveExceptions& resolve) {
  google::protobuf::Struct object;
  switch (request.resolution_case()) {
    case v1::ResolveExceptionRequest::kCorrectedInput: {
      resolve.kind = ResolutionKind::kCorrectedInput;
      absl::StatusOr<std::string> line = ReadObjectLine("corrected_input", request.corrected_input(), object);
      if (!line.ok()) return line.status();
      resolve.chunk.json_lines = *std::move(line);
      return absl::OkStatus();
    }
    case v1::ResolveExceptionRequest::kOutputs: {
      resolve.kind = ResolutionKind::kOutputs;
      absl::StatusOr<std::string> line = ReadObjectLine("outputs", request.outputs(), object);
      if (!line.ok()) return line.status();
      const absl::StatusOr<std::vector<std::string>> outputs = OutputsOf(job, deps);
      if (!outputs.ok()) return outputs.status();
      resolve.outputs_json_lines = *std::move(line);
      resolve.chunk.json_lines = exception.input + "\n";
      return CheckOutputs(object, *outputs);
    }
    case v1::ResolveExceptionRequest::kAnswer:
      return ReadAnswer(request.answer(), exception, resolve);
    case v1::ResolveExceptionRequest::kDiscard:
      resolve.kind = ResolutionKind::kDiscard;
      if (request.discard()) return absl::OkStatus();
      return model::FieldError("discard", "expected true");
    case v1::ResolveExceptionRequest::RESOLUTION_NOT_SET:
      break;
  }
  return model::FieldError("resolution", "expected one of corrected_input, outputs, answer and discard");
}

}  // namespace

absl::StatusOr<v1::RecordException> ResolveException(const v1::ResolveExceptionRequest& request, const Call& call,
                                                     const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const absl::StatusOr<model::RecordPlace> place = ReadExceptionId("exception_id", request.exception_id());
  if (!place.ok()) return place.status();
  if (absl::Status status = ValidateText("note", request.note(), model::kMetadataBytesMax); !status.ok()) return status;

  const absl::StatusOr<model::JobPtr> job = deps.store.GetJob(call.job(request.job_id()));
  if (!job.ok()) return job.status();
  const model::JobKey key = (*job)->key();
  store::ResolveExceptions resolve{.job = key, .job_create_time = (*job)->create_time};
  absl::StatusOr<model::RecordException> exception = deps.store.GetException(key, *place);
  if (!exception.ok()) return exception.status();
  if (absl::Status read = ReadResolution(request, *exception, **job, deps, resolve); !read.ok()) return read;
  if (resolve.kind != ResolutionKind::kDiscard) {
    // Parameters that came with its chunk go on with the record.
    absl::StatusOr<model::ChunkInput> source = deps.store.ReadChunk(key, place->sequence);
    if (!source.ok()) return source.status();
    resolve.chunk.parameters_json = std::move(source->chunk.parameters_json);
    resolve.chunk.answers = AnswersOf(*exception, source->chunk.answers, resolve);
    resolve.chunk.id = deps.ids.Next();
    resolve.chunk.record_count = 1;
  }
  resolve.exceptions = {*place};
  resolve.resolved_by = call.principal.user;
  resolve.note = request.note();
  if (absl::Status resolved = deps.store.ResolveExceptions(std::move(resolve)).status(); !resolved.ok()) {
    return resolved;
  }
  exception = deps.store.GetException(key, *place);
  if (!exception.ok()) return exception.status();
  return core::ToProto(*exception, request.job_id());
}

}  // namespace millrace::handlers
