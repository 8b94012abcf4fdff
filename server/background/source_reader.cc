#include "server/background/source_reader.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/background/source_piece.h"
#include "server/core/log.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::background {
namespace {

/// Room that is worth waking up for; more where the source has to be opened at some cost.
int64_t WorthwhileRoom(const model::Job& job, bool is_open) {
  const bool is_costly = job.source.kind == model::SourceKind::kQuery && !is_open;
  const int64_t enough = SourceReader::kTurnPieces * model::kSourcePieceBytes;
  return std::clamp<int64_t>(job.options.input_buffer_bytes / 2, 1, is_costly ? enough : model::kSourcePieceBytes);
}

/// The job takes no more input, or is gone.
bool IsOver(const absl::Status& status) {
  return model::HasReason(status, model::Reason::kPipelineNotFound) ||
         model::HasReason(status, model::Reason::kPipelineClosed) ||
         model::HasReason(status, model::Reason::kPipelineCancelled);
}

SourceRun After(const model::JobKey& job, const absl::Status& failed) {
  if (IsOver(failed)) return {.next = SourceNext::kNothing};
  core::Log(spdlog::level::warn, absl::StrCat("the source is read on in a moment: ", failed.message()),
            {{"job_id", job.job_id}});
  return {.next = SourceNext::kLater};
}

}  // namespace

SourceRun SourceReader::RunOnce(const model::JobKey& key) {
  OpenSource open;
  return ReadPiece(key, open, {});
}

SourceRun SourceReader::RunTurn(const model::JobKey& key, std::stop_token stop) {
  OpenSource open;
  SourceRun turn;
  for (int pieces = 1;; ++pieces) {
    const SourceRun piece = ReadPiece(key, open, stop);
    turn.next = piece.next;
    turn.needed_bytes = piece.needed_bytes;
    turn.records += piece.records;
    turn.chunks += piece.chunks;
    const bool goes_on = piece.next == SourceNext::kMore && open.records != nullptr && open.records->is_worth_keeping();
    if (!goes_on || pieces == kTurnPieces || stop.stop_requested()) return turn;
  }
}

SourceRun SourceReader::ReadPiece(const model::JobKey& key, OpenSource& open, std::stop_token stop) {
  const absl::StatusOr<model::JobPtr> found = store_.GetJob(key);
  if (!found.ok()) return After(key, found.status());
  const model::Job& job = **found;
  if (!model::NeedsReading(job)) return {.next = SourceNext::kNothing};
  // Closed with the last piece, unless that was stored by a server that did so afterwards, and was killed between the two.
  if (job.source_position.exhausted) return Store(key, {}, job.source_position);
  const int64_t worthwhile_room = WorthwhileRoom(job, open.records != nullptr);
  if (job.input_buffer_used_bytes > 0 && RoomOf(job) < worthwhile_room) {
    return {.next = SourceNext::kRoom, .needed_bytes = worthwhile_room};
  }

  if (absl::Status opened = GoTo(job, open, std::move(stop)); !opened.ok()) return OnError(job, opened);
  SourceRecords& records = *open.records;
  SourcePiece piece(job);
  const absl::StatusOr<int64_t> homeless_bytes = piece.Fill(records);
  // A change of the file is told before what the bytes read in the midst of it look like.
  if (absl::Status same = records.CheckUnchanged(); !same.ok()) return OnError(job, same);
  if (!homeless_bytes.ok()) return OnError(job, homeless_bytes.status());
  if (*homeless_bytes > job.options.input_buffer_bytes) {
    return Fail(job, absl::StrCat("record ", records.position().records, " has ", *homeless_bytes,
                                  " bytes, and the whole input buffer holds ", job.options.input_buffer_bytes));
  }
  if (*homeless_bytes > 0) return {.next = SourceNext::kRoom, .needed_bytes = *homeless_bytes};

  const model::SourcePosition reached = piece.position();
  return Store(key, piece.TakeChunks(), reached);
}

SourceRun SourceReader::Store(const model::JobKey& key, std::vector<model::NewChunk> chunks,
                              const model::SourcePosition& reached) {
  SourceRun run{.next = SourceNext::kMore, .chunks = static_cast<int64_t>(chunks.size())};
  for (const model::NewChunk& chunk : chunks) run.records += chunk.record_count;
  store::PushChunks push{.job = key, .chunks = std::move(chunks), .order = nullptr, .source_position = reached};
  const absl::StatusOr<store::PushReceipt> receipt =
      store::Await<store::PushReceipt>([&](auto done) { store_.PushChunks(std::move(push), std::move(done)); });
  if (!receipt.ok()) return After(key, receipt.status());
  if (model::NeedsReading(*receipt->job)) return run;
  core::Log(spdlog::level::info,
            absl::StrCat("the source is read: ", receipt->job->counters.records_submitted, " records, ",
                         reached.read_errors, " of them not readable"),
            {{"job_id", key.job_id}});
  run.next = SourceNext::kNothing;
  return run;
}

absl::Status SourceReader::GoTo(const model::Job& job, OpenSource& open, std::stop_token stop) {
  const bool is_kept = open.records != nullptr && open.create_time == job.create_time;
  if (is_kept && open.records->GoBackTo(job.source_position)) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<SourceRecords>> records = OpenSourceRecords(job, store_, places_, std::move(stop));
  if (!records.ok()) return records.status();
  open = {.records = *std::move(records), .create_time = job.create_time};
  return absl::OkStatus();
}

SourceRun SourceReader::OnError(const model::Job& job, const absl::Status& error) {
  return MayPass(error) ? After(job.key(), error) : Fail(job, std::string(error.message()));
}

SourceRun SourceReader::Fail(const model::Job& job, std::string_view why) {
  const std::string reason = absl::StrCat("its source is broken: ", std::string(why));
  const absl::StatusOr<model::JobPtr> failed = store_.FailJob(job.key(), reason);
  if (!failed.ok()) return After(job.key(), failed.status());
  core::Log(spdlog::level::warn, absl::StrCat("the job failed: ", reason), {{"job_id", job.id}});
  return {.next = SourceNext::kNothing};
}

}  // namespace millrace::background
