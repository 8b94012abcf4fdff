// Where the records of a job come from when nobody pushes them, and how far they were read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/partitioning.h"

namespace millrace::model {

/// The numbers are stored: never change them.
enum class SourceKind : int32_t {
  kNone = 0,
  kInline = 1,
  kFile = 2,
  kRange = 3,
  kIds = 4,
  kQuery = 5,
  kResults = 6,
  kExceptions = 7,
  /// The source of the job `job_id`. Never stored: the source itself takes its place when the job is created.
  kSourceOf = 80
};

/// The numbers are stored and those of millrace.v1.FileFormat: never change them.
enum class SourceFormat : int32_t { kUnspecified = 0, kJsonLines = 1, kCsv = 2 };

/// Which records of a source are taken; neither a number nor a partitioning: all. At most one of the three is set.
struct SourceSample {
  /// The first n.
  int64_t first = 0;
  /// The first, and then each n-th behind it.
  int64_t every = 0;
  /// Its parts that are run.
  Partitioning partitioning;
  /// What it leaves out is read as well, once all that it takes is: see ApplyContinue.
  bool continued = false;
};

/// See millrace.v1.Source. What does not belong to `kind` is empty.
struct JobSource {
  SourceKind kind = SourceKind::kNone;
  /// kInline and kIds: the records, as in NewChunk.
  std::string json_lines;
  /// kFile: absolute, without symbolic links.
  std::string path;
  SourceFormat format = SourceFormat::kUnspecified;
  /// kFile: what it was when the job was created. A file that is another one since is not read on.
  int64_t size_bytes = 0;
  absl::Time modify_time = absl::InfinitePast();
  /// kRange: the first number.
  int64_t first = 0;
  /// How many records there are, before any sample; 0 where only the end tells: a file, a query, another job.
  int64_t count = 0;
  /// kRange and kIds: the field of a record that holds its number or id.
  std::string field;
  /// kQuery: the name of a connection of the server, a statement, and the columns that name each of its rows.
  std::string connection;
  std::string query;
  std::vector<std::string> key_columns;
  /// kResults and kExceptions: the job that has them, when that was created (its id may come to name another one), and the
  /// last number of its results, or of its chunks, to be read.
  std::string job_id;
  absl::Time job_create_time = absl::InfinitePast();
  int64_t last = 0;
  /// kExceptions: of which group. Empty: all.
  std::string fingerprint;
  SourceSample sample;
  /// Records in a chunk; 0: the server chooses.
  int32_t chunk_size = 0;
  /// What the creator expects; 0: nothing.
  int64_t estimated_records = 0;
};

/// How far a source was read. Written in the unit of work that stores the records before it.
struct SourcePosition {
  /// Where to go on: a byte of a file or of inline records, a record of a range. kQuery: bytes of the records before it. kResults: the
  /// last result that was read to its end. kExceptions: the sequence of the last exception.
  int64_t offset = 0;
  /// kFile: line ends before it. kResults: records read of the result behind `offset`. kExceptions: the index of the last one.
  int64_t line = 0;
  /// kQuery: the values of the key columns in the last row before it, as server/queries writes them. Empty: none.
  std::vector<std::string> key;
  /// Records before it, those that the sample left out too.
  int64_t records = 0;
  /// Chunks made of them.
  int64_t chunks = 0;
  /// Of those taken, how many could not be read as records; each became an exception.
  int64_t read_errors = 0;
  /// Nothing is left to read.
  bool exhausted = false;
  /// All that the sample takes is read, and what it leaves out follows.
  bool rest = false;

  friend bool operator==(const SourcePosition&, const SourcePosition&) = default;
};

/// True for a sample that may leave records out.
bool IsSample(const SourceSample& sample);

/// Whether the sample takes the record with this index, counted from 0; of its rest: whether it leaves that out.
bool TakesRecord(const SourceSample& sample, int64_t index, bool rest = false);

/// The first record with this index or a higher one that is taken; kNoIndex where there is none.
int64_t NextTaken(const SourceSample& sample, int64_t index, bool rest = false);

/// True when no record from this index on is taken.
bool IsSampleOver(const SourceSample& sample, int64_t index, bool rest = false);

/// How many of `count` records are taken in the end.
int64_t SampledCount(const SourceSample& sample, int64_t count);

/// True for a sample whose rest begins where it ends: the first n, the first parts of runs. The rest of any other lies between
/// what it takes, so that the source is read from its start again.
bool EndsBeforeRest(const SourceSample& sample);

/// Moves a position behind all that the sample takes to where its rest begins.
void BeginRest(const SourceSample& sample, SourcePosition& position);

}  // namespace millrace::model
