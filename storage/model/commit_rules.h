// What pushes and commits leave behind besides the job itself: chunk rows, results, exceptions and their groups. Pure
// functions, so that every JobStore builds the same rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"

namespace millrace::model {

/// Identifies the content of a chunk (payload, parameters, summary, but not its id): 32 hexadecimal digits. The same
/// for ever, for it is stored.
std::string ContentHash(const NewChunk& chunk);

/// The row of a chunk that is pushed now, in state kPending.
Chunk MakeChunk(const NewChunk& pushed, int64_t sequence, absl::Time now);

/// The result of a commit that ApplyCommit let pass, from `job` and `chunk` as ApplyCommit left them. Moves the large
/// parts out of `outcome`; its failures stay, for ExceptionsOf.
ChunkResult MakeResult(const Job& job, const Chunk& chunk, ChunkOutcome& outcome);

/// The exceptions of a commit, by index, from `chunk` as ApplyCommit left it. Each carries the fingerprint of the group
/// that it belongs to by its cause.
std::vector<RecordException> ExceptionsOf(const Chunk& chunk, const ChunkOutcome& outcome);

/// An empty group for exceptions with the cause of `exception`: count 0, to be filled by AddToGroup.
ExceptionGroup MakeGroup(const RecordException& exception);

/// The empty group with fingerprint kOtherFingerprint. Once a job has kExceptionGroupsPerJobMax groups besides it, an
/// exception that would need another one joins it, and its fingerprint becomes kOtherFingerprint.
ExceptionGroup MakeOtherGroup();

/// Counts `exception` in: count, times, and the sample when it is the first.
void AddToGroup(ExceptionGroup& group, const RecordException& exception);

/// The order of ListExceptionGroups: larger count first, then by fingerprint.
bool ComesBefore(const ExceptionGroup& a, const ExceptionGroup& b);

/// The state of an exception of `job` about which `resolution` was stored. A record that waits to be run again waits in vain
/// once its job has failed or was cancelled: its exception is unresolved again.
ExceptionState StateOf(const Job& job, const Resolution& resolution);

/// OK when an exception may be resolved in this way now.
///   JOB_NOT_FINISHED  outputs of a job whose results are in push order, while chunks of it wait
absl::Status CheckResolution(const Job& job, ResolutionKind kind);

/// The resolution of an exception with this fingerprint, `held` or not, whose record `rerun` stands for from now on (not for
/// kDiscard).
Resolution MakeResolution(ResolutionKind kind, const RecordPlace& rerun, std::string_view fingerprint, bool held,
                          absl::Time now);

/// Those of `resolutions` that were discarded.
Discards DiscardsIn(const std::vector<Resolution>& resolutions);

/// The commit of a chunk whose outputs a person gave: it ran under no code, so its config hash is empty.
ChunkCommit MakeOutputsCommit(const JobKey& job, int64_t sequence, int64_t store_epoch, std::string json_lines,
                              int32_t record_count);

/// Has `resolution` say what the commit of its chunk has brought: `failed` when `rerun`, which stands for its record, failed
/// again. Also where it was discarded meanwhile.
void SettleRerun(Resolution& resolution, const RecordPlace& rerun, bool failed);

}  // namespace millrace::model
