#include "client/cpp/chunker.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/internal/status_details.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace millrace::client {
namespace {

// The limits of the server (errors CHUNK_TOO_LARGE and FIELD_INVALID).
constexpr int kChunkRecordsMax = 100'000;
constexpr int64_t kChunkBytesMax = 64 * 1024 * 1024;
constexpr std::size_t kIdBytesMax = 128;

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view Trim(std::string_view record) {
  const std::size_t first = record.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return record.substr(first, record.find_last_not_of(kBlanks) - first + 1);
}

void AppendLine(std::string_view trimmed_record, std::string& lines) {
  const std::size_t start = lines.size();
  lines.append(trimmed_record);
  // Outside of strings a line break is white space to JSON, and inside it is not allowed.
  std::replace_if(
      lines.begin() + static_cast<std::ptrdiff_t>(start), lines.end(), [](char c) { return c == '\n' || c == '\r'; },
      ' ');
  lines.push_back('\n');
}

v1::Chunk MakeChunk(std::string json_lines) {
  v1::Chunk chunk;
  chunk.mutable_data()->mutable_inputs()->set_json_lines(std::move(json_lines));
  return chunk;
}

// `records` are trimmed and not blank.
std::vector<v1::Chunk> CutTrimmed(const std::vector<std::string_view>& records, const ChunkerOptions& options) {
  std::vector<v1::Chunk> chunks;
  const std::size_t parts = (records.size() + options.max_records - 1) / options.max_records;
  std::size_t next = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t size = records.size() / parts + (part < records.size() % parts ? 1 : 0);
    Chunker chunker(options);
    for (const std::size_t end = next + size; next < end; ++next) {
      if (std::optional<v1::Chunk> full = chunker.Add(records[next])) chunks.push_back(*std::move(full));
    }
    chunks.push_back(*chunker.Flush());
  }
  return chunks;
}

// The same content gives the same fingerprint within this process.
uint64_t Fingerprint(const v1::ChunkData& data) {
  // Records as bytes are the bulk, and need no copy. Maps have no order unless they are told to.
  std::string rest;
  {
    google::protobuf::io::StringOutputStream stream(&rest);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    data.parameters().SerializeWithCachedSizes((data.parameters().ByteSizeLong(), &coded));
    data.summary().SerializeWithCachedSizes((data.summary().ByteSizeLong(), &coded));
    for (const auto& record : data.inputs().structs()) {
      record.SerializeWithCachedSizes((record.ByteSizeLong(), &coded));
    }
  }
  return absl::HashOf(data.inputs().json_lines(), rest, data.inputs().structs_size());
}

std::string Suffixed(const std::string& id, int64_t number) {
  const std::string suffix = absl::StrCat("-", number);
  return absl::StrCat(id.substr(0, kIdBytesMax - suffix.size()), suffix);
}

}  // namespace

absl::Status Validate(const ChunkerOptions& options) {
  if (options.max_records < 1 || options.max_records > kChunkRecordsMax) {
    return internal::OptionError("max_records",
                                 absl::StrCat("must be 1 to ", kChunkRecordsMax, ", got ", options.max_records));
  }
  if (options.max_bytes < 1 || options.max_bytes > kChunkBytesMax) {
    return internal::OptionError("max_bytes",
                                 absl::StrCat("must be 1 to ", kChunkBytesMax, ", got ", options.max_bytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Chunk>> CutEvenly(const std::vector<std::string>& records,
                                                 const ChunkerOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  std::vector<std::string_view> trimmed;
  trimmed.reserve(records.size());
  for (const std::string& record : records) {
    if (const std::string_view text = Trim(record); !text.empty()) trimmed.push_back(text);
  }
  return CutTrimmed(trimmed, options);
}

absl::StatusOr<std::vector<v1::Chunk>> CutLinesEvenly(std::string_view json_lines, const ChunkerOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  std::vector<std::string_view> trimmed;
  while (!json_lines.empty()) {
    const std::size_t length = std::min(json_lines.find('\n'), json_lines.size());
    if (const std::string_view text = Trim(json_lines.substr(0, length)); !text.empty()) trimmed.push_back(text);
    json_lines.remove_prefix(std::min(length + 1, json_lines.size()));
  }
  return CutTrimmed(trimmed, options);
}

std::optional<v1::Chunk> Chunker::Add(std::string_view record) {
  record = Trim(record);
  if (record.empty()) return std::nullopt;
  std::optional<v1::Chunk> full;
  const auto bytes = static_cast<int64_t>(pending_.size() + record.size() + 1);
  if (pending_records_ == options_.max_records || bytes > options_.max_bytes) full = Flush();
  AppendLine(record, pending_);
  ++pending_records_;
  return full;
}

std::optional<v1::Chunk> Chunker::Flush() {
  if (pending_records_ == 0) return std::nullopt;
  pending_records_ = 0;
  return MakeChunk(std::exchange(pending_, {}));
}

ChunkNamer::ChunkNamer() : prefix_(RandomId().substr(0, 12)) {}

void ChunkNamer::Name(v1::Chunk& chunk) {
  const uint64_t fingerprint = Fingerprint(chunk.data());
  if (chunk.id().empty()) {
    std::string id;
    do {
      id = absl::StrCat(prefix_, "-", ++generated_);
    } while (!fingerprints_.emplace(id, fingerprint).second);
    chunk.set_id(std::move(id));
    return;
  }
  std::string id = chunk.id();
  for (int64_t number = 2;; ++number) {
    const auto [holder, free] = fingerprints_.emplace(id, fingerprint);
    if (free || holder->second == fingerprint) break;
    id = Suffixed(chunk.id(), number);
  }
  chunk.set_id(std::move(id));
}

std::string RandomId() {
  static constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  absl::BitGen random;
  std::string id(26, '0');
  for (char& c : id) c = kAlphabet[absl::Uniform<std::size_t>(random, 0, kAlphabet.size())];
  return id;
}

}  // namespace millrace::client
