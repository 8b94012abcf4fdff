#include "storage/format/rows.h"

#include <utility>

#include "storage/format/damaged.h"
#include "storage/format/fields.h"
#include "storage/format/payload.h"
#include "storage/format/wire.h"
#include "storage/model/errors.h"

namespace millrace::format {
namespace {

template <class T>
absl::StatusOr<T> Decode(std::string_view row, std::string_view what) {
  T value;
  if (!ReadRow(row, value)) return Corrupt(what);
  return value;
}

}  // namespace

std::string EncodeJobDefinition(const model::Job& job) {
  std::string row;
  Writer writer(row);
  DefinitionFields(writer, job);
  return row;
}

std::string EncodeJobProgress(const model::Job& job) {
  std::string row;
  Writer writer(row);
  ProgressFields(writer, job);
  return row;
}

absl::StatusOr<model::Job> DecodeJob(std::string_view definition, std::string_view progress) {
  model::Job job;
  const bool ok = ReadRow(definition, job) && MergeRow(progress, job) &&
                  Within(job.state, model::JobState::kCreated, model::JobState::kCancelled) &&
                  Within(job.cancel_mode, model::CancelMode::kNone, model::CancelMode::kForce) &&
                  Within(job.source.kind, model::SourceKind::kNone, model::SourceKind::kExceptions) &&
                  Within(job.source.format, model::SourceFormat::kUnspecified, model::SourceFormat::kCsv);
  if (!ok) return Corrupt("a job");
  return job;
}

std::string EncodeChunk(const model::Chunk& chunk) { return WriteRow(chunk); }

absl::StatusOr<model::Chunk> DecodeChunk(int64_t sequence, std::string_view row) {
  model::Chunk chunk;
  const bool ok =
      ReadRow(row, chunk) && Within(chunk.state, model::ChunkState::kPending, model::ChunkState::kCommitted);
  if (!ok) return Corrupt("a chunk");
  chunk.sequence = sequence;
  return chunk;
}

std::string EncodeInput(std::string_view payload, std::string_view parameters_json, const model::SummarySpec& summary,
                        const std::vector<model::RecordAnswer>& answers) {
  return WriteRow(InputRow{payload, parameters_json, summary, answers});
}

absl::StatusOr<model::ChunkInput> DecodeInput(model::Chunk chunk, std::string_view row) {
  InputRow input;
  if (!ReadRow(row, input)) return Corrupt("an input");
  absl::StatusOr<std::string> json_lines = DecodePayload(input.payload);
  if (!json_lines.ok()) return json_lines.status();
  chunk.parameters_json = std::string(input.parameters_json);
  chunk.summary = std::move(input.summary);
  chunk.answers = std::move(input.answers);
  return model::ChunkInput{std::move(chunk), *std::move(json_lines)};
}

std::string EncodeResultBody(const model::ChunkResult& result, std::string_view payload) {
  std::string row;
  row.reserve(payload.size() + 4 * result.process_time_ns.size() + 256);
  Writer writer(row);
  ResultBodyFields(writer, result);
  writer(kResultPayload, payload);
  return row;
}

std::string EncodeResultPlace(const model::ChunkResult& result) {
  std::string row;
  Writer writer(row);
  ResultPlaceFields(writer, result);
  return row;
}

absl::StatusOr<model::ChunkResult> DecodeResult(int64_t number, std::string_view bytes) {
  ResultRow row;
  if (!ReadRow(bytes, row)) return Corrupt("a result");
  absl::StatusOr<std::string> json_lines = DecodePayload(row.payload);
  if (!json_lines.ok()) return json_lines.status();
  row.result.json_lines = *std::move(json_lines);
  row.result.number = number;
  return std::move(row.result);
}

absl::StatusOr<size_t> ResultOutputBytes(std::string_view row) {
  while (!row.empty()) {
    wire::Field field;
    if (!wire::TakeField(row, field)) break;
    if (field.number == kResultPayload) return PayloadSize(field.bytes);
  }
  return Corrupt("a result");
}

absl::StatusOr<ResultPlace> DecodeResultPlace(std::string_view row) { return Decode<ResultPlace>(row, "a result"); }

std::string EncodeExceptionBlock(const std::vector<model::RecordException>& exceptions) {
  std::string list;
  Writer writer(list);
  writer(kListedExceptions, exceptions);
  const std::string payload = EncodePayload(list);
  return WriteRow(ExceptionBlockRow{payload});
}

absl::StatusOr<std::vector<model::RecordException>> DecodeExceptionBlock(std::string_view row) {
  ExceptionBlockRow block;
  if (!ReadRow(row, block)) return Corrupt("exceptions");
  absl::StatusOr<std::string> list = DecodePayload(block.payload);
  if (!list.ok()) return list.status();
  absl::StatusOr<ExceptionList> decoded = Decode<ExceptionList>(*list, "exceptions");
  if (!decoded.ok()) return decoded.status();
  return std::move(decoded->exceptions);
}

std::string EncodeJobEvent(const model::JobEvent& event) { return WriteRow(event); }

absl::StatusOr<model::JobEvent> DecodeJobEvent(int64_t number, std::string_view row) {
  absl::StatusOr<model::JobEvent> event = Decode<model::JobEvent>(row, "an event");
  if (!event.ok()) return event;
  // An event of a kind that a later version knows is shown for what it is worth.
  if (event->kind < model::JobEventKind::kCreated) return Corrupt("an event");
  event->number = number;
  return event;
}

std::string EncodeResolution(const model::Resolution& resolution) { return WriteRow(resolution); }

absl::StatusOr<model::Resolution> DecodeResolution(std::string_view row) {
  absl::StatusOr<model::Resolution> resolution = Decode<model::Resolution>(row, "a resolution");
  const bool ok = !resolution.ok() ||
                  (Within(resolution->state, model::ExceptionState::kUnresolved, model::ExceptionState::kReplaced) &&
                   Within(resolution->kind, model::ResolutionKind::kReprocess, model::ResolutionKind::kAnswer));
  return ok ? std::move(resolution) : Corrupt("a resolution");
}

std::string EncodeExceptionGroup(const model::ExceptionGroup& group) { return WriteRow(group); }

absl::StatusOr<model::ExceptionGroup> DecodeExceptionGroup(std::string_view row) {
  return Decode<model::ExceptionGroup>(row, "an exception group");
}

std::string EncodeRunStatistics(const model::RunStatistics& statistics) { return WriteRow(statistics); }

absl::StatusOr<model::RunStatistics> DecodeRunStatistics(std::string_view row) {
  return Decode<model::RunStatistics>(row, "statistics");
}

std::string EncodeServiceVersion(const model::ServiceVersion& version) { return WriteRow(version); }

absl::StatusOr<model::ServiceVersion> DecodeServiceVersion(std::string_view row) {
  return Decode<model::ServiceVersion>(row, "a service version");
}

std::string EncodeRepeats(const std::vector<int64_t>& sequences) { return WriteRow(RepeatsRow{sequences}); }

absl::StatusOr<std::vector<int64_t>> DecodeRepeats(std::string_view row) {
  absl::StatusOr<RepeatsRow> repeats = Decode<RepeatsRow>(row, "the repeats of a chunk");
  if (!repeats.ok()) return repeats.status();
  return std::move(repeats->sequences);
}

std::string EncodeIndexedChunk(const IndexedChunk& chunk) { return WriteRow(chunk); }

absl::StatusOr<IndexedChunk> DecodeIndexedChunk(std::string_view row) {
  return Decode<IndexedChunk>(row, "the chunk index");
}

std::string EncodeIndexedJob(const IndexedJob& job) { return WriteRow(job); }

absl::StatusOr<IndexedJob> DecodeIndexedJob(std::string_view row) { return Decode<IndexedJob>(row, "the job index"); }

std::string EncodeIndexedVersion(const IndexedVersion& version) { return WriteRow(version); }

absl::StatusOr<IndexedVersion> DecodeIndexedVersion(std::string_view row) {
  return Decode<IndexedVersion>(row, "the service index");
}

std::string EncodeJobSums(const model::JobSums& sums) { return WriteRow(sums); }

absl::StatusOr<model::JobSums> DecodeJobSums(std::string_view row) {
  return Decode<model::JobSums>(row, "the sums of ended jobs");
}

std::string EncodeMetaNumber(int64_t value) { return WriteRow(MetaNumber{value}); }

absl::StatusOr<int64_t> DecodeMetaNumber(std::string_view row) {
  absl::StatusOr<MetaNumber> number = Decode<MetaNumber>(row, "the store's own numbers");
  if (!number.ok()) return number.status();
  return number->value;
}

}  // namespace millrace::format
