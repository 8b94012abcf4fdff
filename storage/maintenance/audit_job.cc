#include "storage/maintenance/audit_job.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "storage/maintenance/audit_index.h"
#include "storage/maintenance/audit_repeats.h"
#include "storage/maintenance/audit_rows.h"
#include "storage/model/commit_rules.h"
#include "storage/model/exception.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_rows.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using model::Chunk;
using model::Job;

/// What is kept of a committed chunk until its result has been seen.
struct CommittedChunk {
  int64_t result_number = 0;
  int32_t record_count = 0;
  /// What is wrong with its input; empty: nothing.
  std::string damage;
  /// Exceptions that say that the input is lost.
  int32_t lost_records = 0;
};

class JobAudit : private JobAuditRows {
 public:
  JobAudit(const engine::Engine& engine, const Job& job, AuditReport& report) : JobAuditRows(engine, job, report) {}

  absl::Status Run() {
    for (const auto step : {&JobAudit::Chunks, &JobAudit::Results, &JobAudit::Exceptions, &JobAudit::Inputs,
                            &JobAudit::Repeats, &JobAudit::Events, &JobAudit::Index}) {
      if (absl::Status done = (this->*step)(); !done.ok()) return done;
    }
    return absl::OkStatus();
  }

  /// Of a job of which only itself and its events are left.
  absl::Status RunDropped() {
    for (const Family family : {Family::kChunks, Family::kInputs, Family::kResults, Family::kExceptions}) {
      absl::Status walked = Each(family, format::JobRange(key_), [&](std::string_view, std::string_view) {
        Find(absl::StrCat("it was dropped, but has rows among its ",
                          std::string(format::kFamilies[store::At(family)].name)));
      });
      if (!walked.ok()) return walked;
    }
    if (absl::Status events = Events(); !events.ok()) return events;
    return Index();
  }

 private:
  std::string Named(std::string_view kind, int64_t number) const {
    return absl::StrCat(std::string(kind), " ", key_.tenant, "/", key_.job_id, " ", number);
  }

  void ExpectEqual(const char* what, int64_t stored, int64_t counted) {
    if (stored != counted) Find(absl::StrCat("its ", what, " is ", stored, ", but its rows give ", counted));
  }

  absl::Status Chunks();
  absl::Status Repeats() { return AuditRepeats(engine_, job_, repeating_, report_); }
  /// Sets `damage` to what is wrong with the input of a chunk.
  absl::Status CheckInput(const Chunk& chunk, std::string& damage);
  void CheckChunkSums();
  absl::Status Results();
  void CheckResult(const model::ChunkResult& result, const std::string& where);
  absl::Status Exceptions();
  /// Exceptions about which nothing more has to be done. `exceptions` are the indices by sequence.
  struct Settled {
    int64_t all = 0;
    int64_t discarded = 0;
    int64_t held = 0;
  };
  absl::StatusOr<Settled> CountSettled(const std::map<int64_t, std::set<int32_t>>& exceptions,
                                       const std::set<model::RecordPlace>& held);
  absl::Status Inputs();
  absl::Status Events();
  absl::Status Index() { return AuditIndex(engine_, job_, report_); }

  // Of the chunks.
  std::map<int64_t, CommittedChunk> committed_;
  int64_t chunks_ = 0;
  int64_t records_ = 0;
  int64_t input_bytes_ = 0;
  int64_t pending_bytes_ = 0;
  int64_t watermark_ = 0;
  /// Those that repeat records of others.
  std::vector<Chunk> repeating_;
  // Of the results.
  int64_t results_ = 0;
  int64_t output_bytes_ = 0;
  /// Index of each record that failed, by sequence of its chunk; of chunks whose result is still there.
  std::map<int64_t, std::set<int32_t>> failed_;
};

absl::Status JobAudit::Chunks() {
  absl::Status read;
  absl::Status walked = Each(Family::kChunks, format::JobRange(key_), [&](std::string_view key, std::string_view row) {
    const std::optional<int64_t> sequence = format::ParseNumber(key);
    if (!sequence.has_value() || !read.ok()) return;
    const std::string where = Named("chunk", *sequence);
    if (*sequence != ++chunks_) {
      report_.Add(where, absl::StrCat("chunk ", chunks_, " was expected here: chunks are missing"));
      chunks_ = *sequence;
    }
    const absl::StatusOr<Chunk> chunk = format::DecodeChunk(*sequence, row);
    if (!chunk.ok()) return report_.Add(where, std::string(chunk.status().message()));
    if (!model::IsRerun(*chunk)) {
      records_ += chunk->record_count;
      input_bytes_ += chunk->input_bytes;
    } else if (!chunk->repeats.empty()) {
      repeating_.push_back(*chunk);
    } else if (chunk->replaces.size() != static_cast<size_t>(chunk->record_count)) {
      report_.Add(where, absl::StrCat("it has ", chunk->record_count, " records, which replace ",
                                      chunk->replaces.size(), " exceptions"));
    }
    std::string damage;
    read = CheckInput(*chunk, damage);
    if (chunk->state == model::ChunkState::kCommitted) {
      committed_[*sequence] = {chunk->result_number, chunk->record_count, std::move(damage)};
      if (watermark_ == *sequence - 1) watermark_ = *sequence;
    } else {
      pending_bytes_ += chunk->input_bytes;
      if (!damage.empty()) report_.Add(where, std::move(damage));
    }
  });
  if (!walked.ok()) return walked;
  CheckChunkSums();
  return read;
}

absl::Status JobAudit::CheckInput(const Chunk& chunk, std::string& damage) {
  const auto row = engine_.Get(store::At(Family::kInputs), format::ChunkKey(key_, chunk.sequence));
  if (!row.ok()) return row.status();
  if (!row->has_value()) {
    // Input may be given up once it is not needed any more.
    if (chunk.state == model::ChunkState::kPending && !model::IsFinal(job_.state)) {
      damage = "its input is missing, so it can never run";
    }
    return absl::OkStatus();
  }
  report_.rows += 1;
  absl::StatusOr<model::ChunkInput> input = format::DecodeInput(chunk, **row);
  if (!input.ok()) {
    damage = absl::StrCat("its input: ", input.status().message());
    return absl::OkStatus();
  }
  model::NewChunk pushed{.id = chunk.id,
                         .json_lines = std::move(input->json_lines),
                         .record_count = chunk.record_count,
                         .parameters_json = std::move(input->chunk.parameters_json),
                         .summary = std::move(input->chunk.summary)};
  if (model::ContentHash(pushed) != chunk.content_hash) damage = "its input is not what was pushed";
  return absl::OkStatus();
}

absl::Status JobAudit::Inputs() {
  for (auto& [sequence, chunk] : committed_) {
    if (chunk.damage.empty()) continue;
    if (chunk.lost_records == chunk.record_count) {
      report_.lost_inputs += 1;
    } else {
      report_.Add(Named("chunk", sequence), std::move(chunk.damage));
    }
  }
  return absl::OkStatus();
}

void JobAudit::CheckChunkSums() {
  ExpectEqual("last sequence", job_.last_sequence, chunks_);
  ExpectEqual("watermark", job_.watermark, watermark_);
  ExpectEqual("highest committed chunk", job_.highest_committed, committed_.empty() ? 0 : committed_.rbegin()->first);
  ExpectEqual("count of completed chunks", job_.counters.chunks_completed, static_cast<int64_t>(committed_.size()));
  ExpectEqual("count of submitted records", job_.counters.records_submitted, records_);
  ExpectEqual("count of input bytes", job_.counters.input_bytes, input_bytes_);
  if (!model::IsFinal(job_.state)) ExpectEqual("use of the input buffer", job_.input_buffer_used_bytes, pending_bytes_);
  if (!model::IsFinal(job_.state) || committed_.size() == static_cast<size_t>(job_.last_sequence)) return;
  if (job_.state == model::JobState::kCompleted || job_.state == model::JobState::kCompletedByTimeout) {
    Find("it is completed, but not all of its chunks are");
  }
}

absl::Status JobAudit::Results() {
  // A forced cancel discards what was not acknowledged, so sums cannot be followed behind it.
  const bool forced = job_.cancel_mode == model::CancelMode::kForce;
  int64_t expected = 0;
  absl::Status walked = Each(Family::kResults, format::JobRange(key_), [&](std::string_view key, std::string_view row) {
    const std::optional<int64_t> number = format::ParseNumber(key);
    if (!number.has_value()) return;
    const std::string where = Named("result", *number);
    results_ += 1;
    if (*number != ++expected && !forced) {
      report_.Add(where, absl::StrCat("result ", expected, " was expected here: results are missing"));
    }
    expected = *number;
    const absl::StatusOr<model::ChunkResult> result = format::DecodeResult(*number, row);
    if (!result.ok()) return report_.Add(where, std::string(result.status().message()));
    output_bytes_ += static_cast<int64_t>(result->json_lines.size());
    CheckResult(*result, where);
  });
  if (!walked.ok()) return walked;
  if (forced) return absl::OkStatus();
  ExpectEqual("newest result", job_.last_result, results_);
  ExpectEqual("count of output bytes", job_.counters.output_bytes, output_bytes_);
  return absl::OkStatus();
}

void JobAudit::CheckResult(const model::ChunkResult& result, const std::string& where) {
  const auto chunk = committed_.find(result.sequence);
  if (chunk == committed_.end())
    return report_.Add(where, absl::StrCat("its chunk ", result.sequence, " is not committed"));
  if (chunk->second.result_number != result.number) {
    report_.Add(where, absl::StrCat("its chunk ", result.sequence, " names result ", chunk->second.result_number));
  }
  if (chunk->second.record_count != result.record_count) {
    report_.Add(where,
                absl::StrCat("it has ", result.record_count, " records, its chunk ", chunk->second.record_count));
  }
  if (job_.cancel_mode != model::CancelMode::kForce && result.cumulative_output_bytes != output_bytes_) {
    report_.Add(where, absl::StrCat("its sum of output bytes is ", result.cumulative_output_bytes,
                                    ", but the results up to it have ", output_bytes_));
  }
  std::set<int32_t>& failed = failed_[result.sequence];
  for (const model::ResultError& error : result.errors) failed.insert(error.index);
}

absl::Status JobAudit::Exceptions() {
  int64_t count = 0;
  int64_t grouped = 0;
  int64_t grouped_settled = 0;
  std::map<int64_t, std::set<int32_t>> seen;
  std::set<model::RecordPlace> held;
  absl::Status blocks = Each(
      Family::kExceptions, format::ExceptionBlocksFrom(key_, 0, 0), [&](std::string_view key, std::string_view row) {
        const std::optional<format::BlockPlace> place = format::ParseBlockPlace(key);
        if (!place.has_value()) return;
        const std::string where = Named("exceptions of chunk", place->sequence);
        const auto exceptions = format::DecodeExceptionBlock(row);
        if (!exceptions.ok()) return report_.Add(where, std::string(exceptions.status().message()));
        for (const model::RecordException& exception : *exceptions) {
          count += 1;
          if (exception.held) held.insert(exception.place());
          const auto chunk = committed_.find(exception.sequence);
          if (chunk != committed_.end() && exception.code == model::kInputLostCode) chunk->second.lost_records += 1;
          if (exception.sequence != place->sequence || exception.index > place->last) {
            report_.Add(where, absl::StrCat("exception ", model::ExceptionId(exception.sequence, exception.index),
                                            " stands in the wrong block"));
          }
          if (!seen[exception.sequence].insert(exception.index).second) {
            report_.Add(where, absl::StrCat("record ", exception.index, " has two exceptions"));
          }
        }
      });
  if (!blocks.ok()) return blocks;
  absl::Status groups =
      Each(Family::kExceptions, format::ExceptionGroups(key_), [&](std::string_view, std::string_view row) {
        const auto group = format::DecodeExceptionGroup(row);
        if (!group.ok()) return Find(absl::StrCat("a group of exceptions: ", group.status().message()));
        grouped += group->count;
        grouped_settled += group->settled_count;
      });
  if (!groups.ok()) return groups;
  const absl::StatusOr<Settled> settled = CountSettled(seen, held);
  if (!settled.ok()) return settled.status();
  ExpectEqual("count of failed records", job_.counters.records_failed, count - settled->all);
  ExpectEqual("count of held records", job_.counters.records_held, static_cast<int64_t>(held.size()) - settled->held);
  ExpectEqual("count of discarded records", job_.counters.records_discarded, settled->discarded);
  if (grouped_settled != settled->all) {
    Find(absl::StrCat("its groups count ", grouped_settled, " settled exceptions, but it has ", settled->all));
  }
  if (grouped != count) Find(absl::StrCat("its groups count ", grouped, " exceptions, but it has ", count));
  for (const auto& [sequence, failed] : failed_) {
    const auto found = seen.find(sequence);
    if (failed == (found == seen.end() ? std::set<int32_t>() : found->second)) continue;
    report_.Add(Named("chunk", sequence), "the failed records of its result and its exceptions are not the same");
  }
  return absl::OkStatus();
}

absl::StatusOr<JobAudit::Settled> JobAudit::CountSettled(const std::map<int64_t, std::set<int32_t>>& exceptions,
                                                         const std::set<model::RecordPlace>& held) {
  Settled settled;
  absl::Status walked =
      Each(Family::kExceptions, format::Resolutions(key_), [&](std::string_view key, std::string_view row) {
        const std::optional<model::RecordPlace> place = format::ParseResolutionKey(key);
        const absl::StatusOr<model::Resolution> resolution = format::DecodeResolution(row);
        if (!place.has_value()) return;
        const std::string id = model::ExceptionId(place->sequence, place->index);
        if (!resolution.ok()) return Find(absl::StrCat("what was done about exception ", id, " is damaged"));
        const auto chunk = exceptions.find(place->sequence);
        if (chunk == exceptions.end() || !chunk->second.contains(place->index)) {
          return Find(absl::StrCat("something was done about exception ", id, ", which does not exist"));
        }
        const bool is_settled = model::IsSettled(resolution->state);
        settled.all += is_settled ? 1 : 0;
        settled.held += is_settled && held.contains(*place) ? 1 : 0;
        settled.discarded += resolution->state == model::ExceptionState::kDiscarded ? 1 : 0;
        const bool waits = resolution->state == model::ExceptionState::kReprocessing;
        const bool is_committed = committed_.contains(resolution->rerun.sequence);
        if (resolution->state != model::ExceptionState::kDiscarded && waits == is_committed) {
          Find(absl::StrCat("exception ", id, " is ", std::string(model::ExceptionStateName(resolution->state)),
                            ", and the chunk that runs its record is ", is_committed ? "" : "not ", "committed"));
        }
      });
  if (!walked.ok()) return walked;
  return settled;
}

absl::Status JobAudit::Events() {
  int64_t count = 0;
  absl::Status walked = Each(Family::kEvents, format::JobRange(key_), [&](std::string_view key, std::string_view row) {
    const std::optional<int64_t> number = format::ParseNumber(key);
    if (!number.has_value()) return;
    ++count;
    const auto event = format::DecodeJobEvent(*number, row);
    if (!event.ok()) return Find(absl::StrCat("event ", *number, ": ", event.status().message()));
    if (*number < 1 || *number > job_.last_event) Find(absl::StrCat("event ", *number, " has not happened"));
  });
  if (!walked.ok()) return walked;
  ExpectEqual("count of events", std::min(job_.last_event, model::kJobEventsMax), count);
  return absl::OkStatus();
}

}  // namespace

absl::Status AuditJob(const engine::Engine& engine, const Job& job, AuditReport& report) {
  // Its counters speak of rows that retention has deleted.
  if (job.drop_time != absl::InfinitePast()) return JobAudit(engine, job, report).RunDropped();
  return JobAudit(engine, job, report).Run();
}

}  // namespace millrace::maintenance
