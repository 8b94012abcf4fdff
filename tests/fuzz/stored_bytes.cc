#include <optional>

#include "storage/format/keys.h"
#include "storage/format/payload.h"
#include "storage/format/rows.h"
#include "tests/fuzz/fuzz_targets.h"

namespace millrace::fuzz {
namespace {

/// True when decoding what was encoded gives the same bytes again.
template <typename Decode, typename Encode>
bool SurvivesTheWayBack(std::string_view row, Decode&& decode, Encode&& encode) {
  const auto first = decode(row);
  if (!first.ok()) return true;
  const std::string again = encode(*first);
  const auto second = decode(again);
  return second.ok() && encode(*second) == again;
}

bool Result(std::string_view row) {
  static_cast<void>(format::ResultOutputBytes(row));
  static_cast<void>(format::DecodeResultPlace(row));
  return SurvivesTheWayBack(
      row, [](std::string_view bytes) { return format::DecodeResult(1, bytes); },
      [](const model::ChunkResult& result) {
        return format::EncodeResultBody(result, format::EncodePayload(result.json_lines)) +
               format::EncodeResultPlace(result);
      });
}

bool Input(std::string_view row) {
  return SurvivesTheWayBack(
      row, [](std::string_view bytes) { return format::DecodeInput(model::Chunk{}, bytes); },
      [](const model::ChunkInput& input) {
        return format::EncodeInput(format::EncodePayload(input.json_lines), input.chunk.parameters_json,
                                   input.chunk.summary);
      });
}

bool Job(std::string_view bytes) {
  // Two rows in one: the first two bytes say where the second begins.
  if (bytes.size() < 2) return true;
  const size_t at = (static_cast<unsigned char>(bytes[0]) << 8 | static_cast<unsigned char>(bytes[1])) % bytes.size();
  const std::string_view rows = bytes.substr(2);
  const auto job = format::DecodeJob(rows.substr(0, std::min(at, rows.size())), rows.substr(std::min(at, rows.size())));
  if (!job.ok()) return true;
  const std::string definition = format::EncodeJobDefinition(*job);
  const std::string progress = format::EncodeJobProgress(*job);
  const auto again = format::DecodeJob(definition, progress);
  return again.ok() && format::EncodeJobDefinition(*again) == definition &&
         format::EncodeJobProgress(*again) == progress;
}

bool Row(unsigned char kind, std::string_view row) {
  switch (kind % 12) {
    case 0:
      return Job(row);
    case 1:
      return SurvivesTheWayBack(
          row, [](std::string_view bytes) { return format::DecodeChunk(1, bytes); }, format::EncodeChunk);
    case 2:
      return Input(row);
    case 3:
      return Result(row);
    case 4:
      return SurvivesTheWayBack(row, format::DecodeExceptionBlock, format::EncodeExceptionBlock);
    case 5:
      return SurvivesTheWayBack(row, format::DecodeExceptionGroup, format::EncodeExceptionGroup);
    case 6:
      return SurvivesTheWayBack(row, format::DecodeRunStatistics, format::EncodeRunStatistics);
    case 7:
      return SurvivesTheWayBack(row, format::DecodeServiceVersion, format::EncodeServiceVersion);
    case 8:
      return SurvivesTheWayBack(row, format::DecodeIndexedChunk, format::EncodeIndexedChunk);
    case 9:
      return SurvivesTheWayBack(row, format::DecodeIndexedJob, format::EncodeIndexedJob);
    case 10:
      return SurvivesTheWayBack(row, format::DecodeIndexedVersion, format::EncodeIndexedVersion);
    default:
      return SurvivesTheWayBack(row, format::DecodeMetaNumber, format::EncodeMetaNumber);
  }
}

}  // namespace

std::string Keys(std::string_view bytes) {
  static_cast<void>(format::ParseNumber(bytes));
  static_cast<void>(format::ParseBlockPlace(bytes));
  static_cast<void>(format::ParseJobByTime(bytes));
  static_cast<void>(format::ParseServiceVersion(bytes));
  static_cast<void>(format::ParseUnfinishedJob(bytes));
  // Ids hold no zero byte: the texts of a key, from these bytes.
  const std::string_view text = bytes.substr(0, bytes.find('\0'));
  const model::JobKey job{std::string(text.substr(0, text.size() / 2)), std::string(text.substr(text.size() / 2))};
  const std::optional<model::JobKey> parsed = format::ParseUnfinishedJob(format::UnfinishedJobKey(job));
  if (!job.tenant.empty() && !job.job_id.empty() && parsed != job) return "an unfinished job's key is read as another";
  const auto number = static_cast<int64_t>(bytes.size() * 1'000'003);
  if (format::ParseNumber(format::ChunkKey(job, number)) != number) return "a chunk's key is read as another";
  return "";
}

std::string Rows(std::string_view bytes) {
  if (bytes.empty()) return "";
  return Row(static_cast<unsigned char>(bytes[0]), bytes.substr(1)) ? ""
                                                                    : "a row that was read is not written as it was";
}

std::string Payloads(std::string_view bytes) {
  const absl::StatusOr<size_t> size = format::PayloadSize(bytes);
  const absl::StatusOr<std::string> raw = format::DecodePayload(bytes);
  if (raw.ok() && (!size.ok() || *size != raw->size())) return "a payload has another size than it says";
  const absl::StatusOr<std::string> own = format::DecodePayload(format::EncodePayload(bytes));
  return own.ok() && *own == bytes ? "" : "a payload is not read as it was written";
}

}  // namespace millrace::fuzz
