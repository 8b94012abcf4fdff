// Everything has a limit; here they all are, each with its reason. The protos quote them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace millrace::model {

// Ids. Short enough for a log line and a file name; every key holds two of them.
inline constexpr size_t kIdBytesMax = 128;
// A push names its chunks `REQUEST_ID-n`, which must stay within kIdBytesMax.
inline constexpr size_t kPushRequestIdBytesMax = 64;
// `folder` and `name` of a service, each.
inline constexpr size_t kServiceNamePartBytesMax = 64;
// A text of metadata: enough for a sentence, too little for a payload.
inline constexpr size_t kMetadataBytesMax = 1024;
inline constexpr size_t kDescriptionBytesMax = 16 * 1024;
inline constexpr size_t kTagsMax = 64;

// Records and chunks. A chunk is held in memory whole, by one worker and by the commit lane: at 64 MiB a hundred
// of them still fit into an ordinary server. A record must fit into a chunk with room to spare.
inline constexpr size_t kRecordBytesMax = 16 * 1024 * 1024;
inline constexpr size_t kChunkBytesMax = 64 * 1024 * 1024;
inline constexpr int32_t kChunkRecordsMax = 100'000;
inline constexpr int32_t kChunkRecordsDefault = 300;
// All chunks of one call go into one unit of work.
inline constexpr int kChunksPerPushMax = 1'000;
// Deeper nesting is an attack on the stack, not data.
inline constexpr size_t kRecordDepthMax = 64;
// One message: the largest chunk, its parameters and room for ids.
inline constexpr int kMessageBytesMax = 72 * 1024 * 1024;
// Parameters are decoded once per worker and job, and copied into each chunk row.
inline constexpr size_t kParametersBytesMax = 1024 * 1024;

// Sources. What is written out in the call is kept in memory as long as the job runs, beside its parameters; more belongs
// into a file or a push.
inline constexpr size_t kSourceInlineBytesMax = 1024 * 1024;
inline constexpr size_t kSourceIdBytesMax = 1024;
// A path of Linux.
inline constexpr size_t kSourcePathBytesMax = 4096;
inline constexpr size_t kSourceFieldBytesMax = 128;
// At a million records a second this is eleven days; a larger count is a slip.
inline constexpr int64_t kSourceRangeCountMax = 1'000'000'000'000;
// The chunks of all parts are begun at once, and ended with each piece: more parts would make chunks of few records.
inline constexpr int64_t kPartsOfEveryMax = 1'000;
// Longer than any list of parts that a person or a program picks; it is kept with the job.
inline constexpr int kPartRangesMax = 1'000;
// Every reader of JSON keeps integers up to here exactly.
inline constexpr int64_t kSourceNumberMax = int64_t{1} << 53;
// Long enough for any query that a person wrote, short enough for lists of jobs.
inline constexpr size_t kSourceQueryBytesMax = 16 * 1024;
inline constexpr size_t kSourceConnectionNameBytesMax = 128;
inline constexpr size_t kSourceKeyColumnsMax = 16;
// The key of the last row is written with the progress of the job.
inline constexpr size_t kSourceKeyBytesMax = 4096;
// A database that sorts a large table before its first row needs minutes; what takes longer lacks an index.
inline constexpr absl::Duration kSourceStatementTimeout = absl::Minutes(5);
// What is read of a source at a time, in one unit of work: large against the cost of a sync of the disk, small enough to
// be held by each thread that reads.
inline constexpr int64_t kSourcePieceBytes = 4 * 1024 * 1024;
inline constexpr size_t kSourcePieceChunksMax = 256;

// Schedules. The newest runs are kept: those of a day at one a minute, and of years at one a day.
inline constexpr int64_t kScheduleRunsMax = 1'000;
// Long enough for any expression that a person can read.
inline constexpr size_t kCronBytesMax = 256;
inline constexpr size_t kTimeZoneBytesMax = 128;
// Fire times are whole seconds. Longer intervals are a slip.
inline constexpr absl::Duration kScheduleIntervalMin = absl::Seconds(1);
inline constexpr absl::Duration kScheduleIntervalMax = absl::Hours(24 * 366);
// A server that comes to a fire time later than this was not there: a pause of its machine is shorter.
inline constexpr absl::Duration kScheduleLateMax = absl::Minutes(1);
// Runs that stand for missed fire times, one each: more would keep a server busy with what is long past.
inline constexpr int kScheduleCatchUpMax = 100;
// Fire times that were missed are counted up to here: some milliseconds of work.
inline constexpr int64_t kScheduleMissedMax = 10'000;
// Triggers by hand that are remembered by their request ids.
inline constexpr size_t kScheduleTriggersMax = 20;
// Between two attempts to submit the job of a run: doubled from the first up to the last.
inline constexpr absl::Duration kScheduleRetryMin = absl::Seconds(1);
inline constexpr absl::Duration kScheduleRetryMax = absl::Minutes(1);

// Bulk runs whose records are bulk runs, and so on: deeper nesting is a mistake that starts itself.
inline constexpr int32_t kBulkDepthMax = 16;
// Jobs below a bulk run that one call sums up: some 20 us each.
inline constexpr int64_t kBulkJobsSummedMax = 10'000;
// Child jobs that an explanation names: what a person reads.
inline constexpr int32_t kExplainedChildrenMax = 10;

// Service definitions. Larger ones are programs, and belong into a worker.
inline constexpr size_t kDefinitionBytesMax = 1024 * 1024;
inline constexpr size_t kServiceInputsMax = 1'000;
inline constexpr size_t kServiceNodesMax = 1'000;
inline constexpr int kAggregationsMax = 64;
inline constexpr int kTestRecordsMax = 1'000;
// The largest record fits, so that any record of a job can be tried out.
inline constexpr size_t kTestBytesMax = kRecordBytesMax + 1024 * 1024;

// Records that one comparison runs, and differences that it shows: a sample, in the time of a call.
inline constexpr int64_t kCompareRecordsMax = 10'000;
inline constexpr int64_t kCompareRecordsDefault = 1'000;
inline constexpr absl::Duration kCompareTimeMax = absl::Seconds(20);
inline constexpr int64_t kCompareDifferencesMax = 1'000;
inline constexpr int64_t kCompareDifferencesDefault = 20;

// What one record may cost in the Lua sandbox: about 0.2 s of instructions, and memory for a value of the
// largest record with its garbage.
inline constexpr int64_t kLuaInstructionsPerRecord = 50'000'000;
inline constexpr size_t kLuaMemoryBytes = 64 * 1024 * 1024;
inline constexpr absl::Duration kRecordTimeoutDefault = absl::Seconds(5);
inline constexpr absl::Duration kRecordTimeoutMin = absl::Milliseconds(1);
inline constexpr absl::Duration kRecordTimeoutMax = absl::Hours(1);
// Warnings and messages are kept for people, who do not read more.
inline constexpr size_t kMessageTextBytesMax = 1024;
inline constexpr size_t kWarningsPerRecordMax = 16;
// Labels are kinds of outcome, which people read as a list; a label that holds an id would be a list without end.
inline constexpr size_t kLabelBytesMax = 64;
inline constexpr size_t kLabelsPerRecordMax = 16;
inline constexpr size_t kLabelsPerJobMax = 100;
// Enough to see what slow records have in common. Written with every commit, as are the workers: of those, more than a large
// cluster has, or some dozens of starts of one server.
inline constexpr size_t kSlowestRecordsKept = 10;
inline constexpr size_t kWorkersPerJobKept = 200;
// One chunk of records that are run again; what a call of ReprocessExceptions takes, so that it ends within seconds; and how
// many exceptions may be named in it.
inline constexpr int32_t kRerunChunkRecordsMax = 300;
inline constexpr size_t kRerunChunkBytesTarget = 1024 * 1024;
inline constexpr int64_t kReprocessRecordsMax = 10'000;
inline constexpr int kReprocessIdsMax = 1'000;
// An answer to a question of a service: as long as what a person writes.
inline constexpr size_t kAnswerBytesMax = 16 * 1024;
// A page of records that finds few of those asked for ends all the same.
inline constexpr int64_t kListedChunksMax = 1'000;
// A piece of an export: large enough that messages cost little, small enough that a client that reads slowly holds little.
inline constexpr size_t kExportPieceBytesTarget = 1024 * 1024;
// Statistics over some jobs look at them one by one, within the time that a person notices.
inline constexpr absl::Duration kStatisticsTimeMax = absl::Milliseconds(40);
inline constexpr size_t kStatisticsServicesMax = 100;
inline constexpr int32_t kStatisticsRecentJobs = 10;
// A fingerprint that is not normalised well must not fill the store.
inline constexpr int64_t kExceptionGroupsPerJobMax = 1'000;
// Between two messages to who watches a job: as fast as a person can read.
inline constexpr absl::Duration kWatchPause = absl::Milliseconds(100);
// The newest events of a job are kept: whoever pauses and resumes it each minute must not fill the store.
inline constexpr int64_t kJobEventsMax = 1'000;

// Webhooks. A URL that programs still take.
inline constexpr size_t kWebhookUrlBytesMax = 2048;
inline constexpr int kWebhookEventsMax = 8;
// One attempt to tell: a receiver that needs longer has to take what it is told first, and work afterwards.
inline constexpr absl::Duration kWebhookTimeout = absl::Seconds(10);
// Between two attempts: doubled from the first up to the last, each shortened at random by up to a quarter.
inline constexpr absl::Duration kWebhookRetryMin = absl::Seconds(1);
inline constexpr absl::Duration kWebhookRetryMax = absl::Hours(1);
// A receiver that was down for a night and a day is not waited for any longer.
inline constexpr absl::Duration kWebhookGiveUpAfter = absl::Hours(24);
// Attempts on their way at once: in all, and to one host, so that a slow one delays no other.
inline constexpr int kWebhookTransfersMax = 64;
inline constexpr int kWebhookTransfersPerHostMax = 4;
// Retention of jobs. Zero is for ever.
inline constexpr absl::Duration kRetentionMin = absl::Seconds(1);
inline constexpr absl::Duration kRetentionMax = absl::Hours(24 * 36'500);

// Buffers and workers of a job.
inline constexpr int64_t kInputBufferBytesDefault = 70'000'000;
inline constexpr int64_t kOutputBufferBytesDefault = 80'000'000;
inline constexpr int64_t kBufferBytesMax = int64_t{16} * 1024 * 1024 * 1024;
inline constexpr int32_t kJobWorkersMax = 4'096;
// A chunk that fails four times in a row will fail a fifth time; more would only keep the rest waiting.
inline constexpr int32_t kAttemptsDefault = 4;
inline constexpr int32_t kAttemptsMax = 100;
// The first retry outlasts a hiccup, the last one a restart of what the service depends on.
inline constexpr absl::Duration kRetryBackoffDefault = absl::Seconds(1);
inline constexpr absl::Duration kRetryBackoffMaxDefault = absl::Minutes(1);
inline constexpr absl::Duration kRetryBackoffMin = absl::Milliseconds(1);
inline constexpr absl::Duration kRetryBackoffMax = absl::Hours(24);
// A client that was silent for half an hour has gone home.
inline constexpr absl::Duration kIdleTimeoutDefault = absl::Minutes(30);
inline constexpr absl::Duration kIdleTimeoutMin = absl::Seconds(1);
inline constexpr absl::Duration kIdleTimeoutMax = absl::Hours(24 * 366);
inline constexpr double kThrottleRecordsPerSecondMax = 1e9;
inline constexpr absl::Duration kThrottleDelayMax = absl::Hours(1);
// Enough levels to express any plan, few enough to be read.
inline constexpr int32_t kPriorityMax = 100;
inline constexpr int32_t kWeightDefault = 1;
inline constexpr int32_t kWeightMax = 1'000;
// Long against what a chunk costs the server (some 0.4 ms), short against what a person waits.
inline constexpr absl::Duration kTargetChunkTimeDefault = absl::Milliseconds(200);
inline constexpr absl::Duration kTargetChunkTimeMin = absl::Milliseconds(1);
inline constexpr absl::Duration kTargetChunkTimeMax = absl::Hours(1);
// Of a worker, and in the selector of a job.
inline constexpr int kWorkerLabelsMax = 16;
// How far dispatch may run ahead of the oldest uncommitted chunk: bounds what a restart must look at.
inline constexpr int64_t kDispatchWindowChunks = 1'024;

// A stream of chunks. Enough on the way to fill a group commit while the next chunks are read (with 64 the main job was a
// tenth slower), and no more memory than one chunk of the largest size.
inline constexpr size_t kStreamChunksMax = 256;
inline constexpr size_t kStreamBytesMax = kChunkBytesMax;
// All such streams together: a server with many of them stops reading those that hold something already.
inline constexpr size_t kStreamsBytesMax = 256 * 1024 * 1024;
// A stream of results: what is read ahead of a client covers the time that it takes to read more from disk.
inline constexpr int32_t kStreamWindowDefault = 16;
inline constexpr int32_t kStreamWindowMax = 1'000;
inline constexpr int64_t kStreamReadAheadBytes = 1024 * 1024;
// Parts smaller than this would cost more in messages than they spare in memory.
inline constexpr int64_t kStreamPartBytesMin = 64 * 1024;

// Pages and replies. 3 MiB stays under gRPC's default limit of 4 MiB for callers who keep it.
inline constexpr int32_t kPageSizeDefault = 100;
inline constexpr int32_t kPageSizeMax = 1'000;
inline constexpr int64_t kReplyBytesTarget = 3 * 1024 * 1024;
inline constexpr int32_t kPullChunksDefault = 100;
inline constexpr int32_t kPullChunksMax = 1'000;
// Proxies cut idle calls after a minute or more.
inline constexpr absl::Duration kPullWaitMax = absl::Seconds(60);
inline constexpr absl::Duration kRecentJobsWindow = absl::Hours(1);

}  // namespace millrace::model
