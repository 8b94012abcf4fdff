// Cuts records into chunks and gives each chunk an id of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/v1/pipeline_service.pb.h"

namespace millrace::client {

/// How large chunks may be. Larger chunks cost less each; smaller ones spread better over workers and fail alone.
struct ChunkerOptions {
  /// The most records in a chunk, 1 to 100,000.
  int max_records = 300;
  /// The most bytes of records in a chunk, 1 to 64 MiB. A larger record gets a chunk to itself, which the server
  /// refuses when it is over its limit.
  int64_t max_bytes = 8 * 1024 * 1024;
};

/// OK, or INVALID_ARGUMENT that names the option that is wrong.
absl::Status Validate(const ChunkerOptions& options);

/// Cuts records, one JSON object each, into as few chunks of at most `max_records` as possible, evenly: sizes differ
/// by at most one, the larger ones first (1,000 records by 300 are 4 x 250). A chunk over `max_bytes` is cut further.
/// Keeps the order. Blank records are skipped, and line breaks within a record become spaces, as JSON allows. The
/// chunks have no ids yet. INVALID_ARGUMENT when the options are not valid.
absl::StatusOr<std::vector<v1::Chunk>> CutEvenly(const std::vector<std::string>& records,
                                                 const ChunkerOptions& options = {});

/// The same for JSON Lines: one record a line, blank lines skipped, the last line may be open.
absl::StatusOr<std::vector<v1::Chunk>> CutLinesEvenly(std::string_view json_lines, const ChunkerOptions& options = {});

/// Cuts a stream of records of unknown length: each chunk but the last is as large as the options allow. Not
/// thread-safe.
class Chunker {
 public:
  /// REQUIRES: Validate(options) is OK.
  explicit Chunker(const ChunkerOptions& options = {}) : options_(options) {}

  /// Takes one record: a JSON object. Returns a chunk of earlier records when this one does not fit into it any more.
  /// A blank record is skipped; line breaks within a record become spaces.
  std::optional<v1::Chunk> Add(std::string_view record);

  /// Returns what is left, if anything, and starts afresh.
  std::optional<v1::Chunk> Flush();

  /// Records added since the last chunk.
  int pending_records() const { return pending_records_; }

 private:
  ChunkerOptions options_;
  std::string pending_;
  int pending_records_ = 0;
};

/// Gives the chunks of one pipeline ids that do not collide. Not thread-safe.
class ChunkNamer {
 public:
  /// Generated ids are `PREFIX-1`, `PREFIX-2` and so on. A fresh random prefix keeps them apart from those of other
  /// programs that push into the same pipeline.
  ChunkNamer();
  explicit ChunkNamer(std::string prefix) : prefix_(std::move(prefix)) {}

  /// Fills in a missing id. An id that a chunk with other content already has becomes `ID-2`, `ID-3` and so on; a
  /// chunk with the same id and the same content is the same chunk, and keeps its id, so that pushing it again is safe.
  void Name(v1::Chunk& chunk);

  /// Frees the id of a chunk that was refused, so that the mended chunk may have it.
  void Forget(const std::string& id) { fingerprints_.erase(id); }

 private:
  std::string prefix_;
  int64_t generated_ = 0;
  // Fingerprint of the content of each named chunk, by id.
  std::unordered_map<std::string, uint64_t> fingerprints_;
};

/// An id that no one else makes: 26 random lower-case characters. For request ids.
std::string RandomId();

}  // namespace millrace::client
