// Chunks that ran under other code than is wanted: their records are run again, also those that had succeeded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/handlers/call.h"
#include "server/handlers/rerun.h"
#include "storage/model/chunk.h"
#include "storage/model/job.h"
#include "storage/store/job_store.h"

namespace millrace::handlers {

/// Takes each record whose latest outcome came about in one of these chunks. What failed there goes to a Rerun. Used by one
/// thread.
class ChunkRerun {
 public:
  /// `which` says which chunks, but for their places, which are those of the options. All must outlive this.
  ChunkRerun(const model::Job& job, store::ListChunksQuery which, const RerunOptions& options, const Call& call,
             const Deps& deps, Rerun& failed);

  /// False when the call has taken all that it may.
  absl::StatusOr<bool> Run();

  /// Records that had succeeded and are run again; of a preview, that would be.
  int64_t count() const { return count_; }
  /// Those that wait to be run again already, or whose input is gone.
  int64_t passed_over() const { return passed_over_; }
  /// Nothing is left to do up to this chunk.
  int64_t done_up_to() const { return failed_.stored_all() ? reached_ : done_; }

 private:
  absl::Status Take(const model::Chunk& chunk);
  absl::Status Repeat(const model::Chunk& chunk, const std::vector<int32_t>& indexes, int64_t repeats_seen);
  absl::StatusOr<std::string> EventOnce();
  absl::StatusOr<bool> WasTold() const;

  const model::Job& job_;
  store::ListChunksQuery which_;
  const RerunOptions& options_;
  const Call& call_;
  const Deps& deps_;
  Rerun& failed_;

  int64_t count_ = 0;
  int64_t passed_over_ = 0;
  /// The chunk that was taken last, and the last one up to which nothing waits in `failed_`.
  int64_t reached_ = 0;
  int64_t done_ = 0;
  bool is_told_ = false;
};

}  // namespace millrace::handlers
