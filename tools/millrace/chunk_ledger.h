// What the pushing side of a run knows about its chunks and the pulling side needs to write their outcome.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/records/reject_fields.h"

namespace millrace::cli {

/// A row that was not pushed, and the record of its chunk that it stood before.
struct SkippedRow {
  size_t before_record = 0;
  std::string original;
  records::RejectReason reason;
};

/// One chunk as it was cut from the input.
struct ChunkRows {
  /// The place in the input, from 1.
  int64_t position = 0;
  int32_t record_count = 0;
  /// InputRow::original of each record. Empty when no rejects are written.
  std::vector<std::string> originals;
  std::vector<SkippedRow> skipped;
  /// Bytes of the input up to the end of the chunk.
  int64_t end_offset = 0;
  /// Bytes of `originals` and `skipped`.
  size_t held_bytes = 0;
};

/// The id of the chunk at a position: `c-000001`. The same input makes the same ids, so a push that is repeated by a
/// later process is known to the server.
std::string ChunkId(int64_t position);

/// The position that an id made by ChunkId stands for.
std::optional<int64_t> ChunkPosition(std::string_view id);

/// Chunks between being cut and being written. Thread-safe: one thread adds, one takes.
class ChunkLedger {
 public:
  /// `held_bytes_max`: how much of the input Add holds before it waits.
  explicit ChunkLedger(size_t held_bytes_max) : held_bytes_max_(held_bytes_max) {}

  /// Adds a chunk; `is_last` says that none follows. Waits while too many bytes are held, but never while none are.
  /// False when stopped.
  bool Add(ChunkRows rows, bool is_last);

  /// Says that no chunk follows. `tail` holds the rows that were skipped behind the last one.
  void Finish(std::vector<SkippedRow> tail);

  /// Ends every wait. Call it from either side when the run is over.
  void Stop();

  /// The chunk at a position, which is then forgotten; nothing when it was not added yet.
  std::optional<ChunkRows> Take(int64_t position);

  /// Waits until the chunk at `position` was added, the ledger is finished or stopped, or time is up.
  void AwaitAdded(int64_t position, absl::Duration timeout);

  /// The number of chunks, once it is known.
  std::optional<int64_t> total() const;

  /// The skipped rows behind the last chunk. Call it after Finish.
  std::vector<SkippedRow> TakeTail();

 private:
  const size_t held_bytes_max_;
  mutable absl::Mutex mutex_;
  std::map<int64_t, ChunkRows> chunks_ ABSL_GUARDED_BY(mutex_);
  std::vector<SkippedRow> tail_ ABSL_GUARDED_BY(mutex_);
  size_t held_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t added_ ABSL_GUARDED_BY(mutex_) = 0;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace millrace::cli
