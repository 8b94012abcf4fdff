// What the verbs of JobStore are asked for, and what their lists answer.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/source.h"

namespace millrace::store {

/// Ties pushes together that are on their way at once and must be stored in the order in which they are handed over:
/// once one of them fails for another reason than its own chunks, or whoever hears of a failure says so, none behind it is
/// stored.
struct PushOrder {
  std::atomic<bool> broken = false;
  /// A push that fails for its own chunks breaks the order, too. Set before the first push.
  bool strict = false;
};

/// Whether what is in its chunks alone made a push fail. Any other error meets all pushes alike.
inline bool BlamesTheChunks(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsAlreadyExists(status);
}

/// After each push of an order.
inline void NoteOutcome(PushOrder& order, const absl::Status& status) {
  if (!status.ok() && (order.strict || !BlamesTheChunks(status))) order.broken = true;
}

/// Chunks to be stored, all or none. Ids are filled in, unique within the request, and valid.
struct PushChunks {
  model::JobKey job;
  std::vector<model::NewChunk> chunks;
  /// Null: stands alone.
  std::shared_ptr<PushOrder> order;
  /// From the reader of the source of the job: how far it has come with these chunks, of which there may be none.
  std::optional<model::SourcePosition> source_position = std::nullopt;
};

struct PushReceipt {
  /// One a chunk, in the order of the request.
  std::vector<model::PushedChunk> chunks;
  model::JobPtr job;
};

/// Which jobs to list, newest first: by create time, then by id, both descending, or both ascending.
struct ListJobsQuery {
  std::string tenant;
  /// Empty: all.
  std::vector<model::JobState> states;
  std::string service;
  /// Of `service`, which is given then.
  std::string service_version;
  int32_t page_size = 100;
  /// Opaque: `next_token` of the page before, which had the same filters; empty for the first.
  std::string token;
  // Further filters; empty: all.
  std::string project;
  /// Jobs that have this tag among theirs.
  std::string tag;
  std::string created_by;
  /// Created at `created_from` or later, and before `created_before`.
  absl::Time created_from = absl::InfinitePast();
  absl::Time created_before = absl::InfiniteFuture();
  /// Jobs whose id, name or description holds this text; small and capital letters from A to Z are the same.
  std::string text;
  bool oldest_first = false;
  /// Jobs that ended so.
  std::vector<model::Outcome> outcomes = {};
  /// Jobs that run, or ran, for records of this bulk run. Costs O(these).
  std::string parent_job_id;
};

/// One call of ListJobs looks at so many jobs at most, and may so list fewer than were asked for: some 20 us each.
inline constexpr int64_t kJobsLookedAtMax = 1'000;

/// One page of a list. `next_token` is empty at the end and only there.
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_token;
};

/// Which chunks of a job to list, in push order.
struct ListChunksQuery {
  model::JobKey job;
  /// Those behind this sequence.
  int64_t after = 0;
  int32_t chunks_max = 100;
  /// Only committed chunks whose config hash is another than this. Empty: all.
  std::string other_than_hash;
  /// Only committed chunks whose config hash begins with this. Empty: all.
  std::string config_hash = {};
  /// Only chunks of this part.
  std::optional<int64_t> part = std::nullopt;
};

struct ChunkList {
  /// Without parameters and summary, as FindChunk.
  std::vector<model::Chunk> chunks;
  /// `after` of the next call; 0 at the end and only there. One call looks at kChunksLookedAtMax chunks at most, so it may
  /// list fewer than were asked for.
  int64_t next_after = 0;
};

inline constexpr int64_t kChunksLookedAtMax = 10'000;

struct ListExceptionsQuery {
  model::JobKey job;
  /// Empty: all groups.
  std::string fingerprint;
  /// Empty: all.
  std::vector<model::ExceptionState> states;
  /// Only those about which a person was asked.
  bool held_only = false;
  int32_t page_size = 100;
  /// The page ends before its inputs would exceed this (but holds at least one exception).
  int64_t bytes_max = 3 * 1024 * 1024;
  std::string token;
  /// Where there is no token: those behind this place.
  model::RecordPlace after;

  bool Wants(const model::RecordException& exception) const {
    if (!fingerprint.empty() && exception.fingerprint != fingerprint) return false;
    if (held_only && !exception.held) return false;
    return states.empty() || std::find(states.begin(), states.end(), exception.resolution.state) != states.end();
  }
};

/// What is done about exceptions of a job: about all of them, or none.
struct ResolveExceptions {
  model::JobKey job;
  /// Tells the job apart from an earlier one of the same id, whose records `chunk` may hold. InfinitePast: whichever.
  absl::Time job_create_time = absl::InfinitePast();
  model::ResolutionKind kind = model::ResolutionKind::kDiscard;
  /// At least one, each once.
  std::vector<model::RecordPlace> exceptions;
  /// But for kDiscard: the records that stand for them, one each in the same order, under an id of their own. `replaces` is
  /// the store's to fill in.
  model::NewChunk chunk;
  /// kOutputs: one line for each.
  std::string outputs_json_lines;
  /// kAnswer: what is kept with each exception. `chunk` carries it to the service.
  std::string answer;
  std::string resolved_by;
  std::string note;
};

/// Records of one committed chunk that had succeeded, to be run again as another chunk.
struct RepeatRecords {
  model::JobKey job;
  /// As that of ResolveExceptions.
  absl::Time job_create_time = absl::InfinitePast();
  /// What the caller saw of the chunk: how many chunks repeat records of it (ListRepeats).
  int64_t repeats_seen = 0;
  /// With `repeats`, and under an id of its own.
  model::NewChunk chunk;
  /// What people are told about it, as an event of the job. Empty: nothing, as for all chunks of a call but the first.
  std::string event;
  std::string by;
};

}  // namespace millrace::store
