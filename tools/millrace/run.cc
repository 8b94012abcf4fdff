#include "tools/millrace/run.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

// Rows are held from push to write; the server holds no more of a pipeline's input by default.
constexpr size_t kHeldRowsBytesMax = 256 * 1024 * 1024;
// Results that wait for rows that were not read yet: only a repeated run that pulls faster than it reads has any.
constexpr size_t kWaitingChunksMax = 1'000;
constexpr absl::Duration kReadAheadWait = absl::Seconds(1);
// How often the progress is brought up to date while no result comes.
constexpr absl::Duration kPullWait = absl::Seconds(1);

}  // namespace

Run::Run(const Session& session, client::Client client, client::Pipeline pipeline, ChunkCutter& cutter,
         RunOutput& output, Progress& progress, RunSettings settings)
    : session_(session),
      client_(std::move(client)),
      pipeline_(std::move(pipeline)),
      cutter_(cutter),
      output_(output),
      progress_(progress),
      settings_(settings),
      ledger_(kHeldRowsBytesMax) {}

absl::Status Run::Execute() {
  const auto stop_all = [this] {
    stop_.request_stop();
    ledger_.Stop();
  };
  const std::stop_callback on_interrupt(session_.environment().stop, stop_all);
  absl::Status pushed;
  std::thread pusher([&] {
    pushed = PushAll();
    if (!pushed.ok()) stop_all();
  });
  absl::Status pulled = PullAll();
  if (!pulled.ok()) stop_all();
  pusher.join();
  progress_.Finish(State());
  // Whichever side failed first stopped the other.
  return pushed.ok() || absl::IsCancelled(pushed) ? (pulled.ok() ? pushed : pulled) : pushed;
}

absl::Status Run::PushAll() {
  client::PusherOptions options;
  options.stop = stop_.get_token();
  options.on_status = [this](const v1::PipelineStatus&) { progress_.OnReply(); };
  auto pusher = pipeline_.NewPusher(std::move(options));
  if (!pusher.ok()) return pusher.status();
  pace_start_ = session_.environment().timer->Elapsed();
  for (;;) {
    auto cut = cutter_.Next();
    if (!cut.ok()) {
      // What was cut before is whole; let it be stored.
      (*pusher)->Flush().IgnoreError();
      return During("cannot read the input", cut.status());
    }
    if (!cut->has_value()) break;
    const int64_t records = (*cut)->rows.record_count;
    // The end is known before the last chunk is pushed, and so before its result comes.
    if (!ledger_.Add(std::move((*cut)->rows), cutter_.at_end())) return absl::CancelledError("interrupted");
    if (auto status = PushChunk(std::move((*cut)->chunk), **pusher); !status.ok()) {
      return During("cannot push", status);
    }
    if (auto status = Pace(records); !status.ok()) return status;
  }
  ledger_.Finish(cutter_.TakeTail());
  if (auto status = (*pusher)->Flush(); !status.ok()) return During("cannot push", status);
  if (settings_.keep_open) return absl::OkStatus();
  return During("cannot close the pipeline", pipeline_.Close({.stop = stop_.get_token(), .timeout = {}}).status());
}

absl::Status Run::PushChunk(v1::Chunk chunk, client::Pusher& pusher) {
  if (pipeline_.state() == client::Pipeline::State::kOpen) return pusher.Push(std::move(chunk)).status();
  // A closed pipeline takes nothing new, but still knows what it was given: a run that was broken off after the close
  // can be repeated, and an input that has changed since is found out.
  v1::PushRequest request;
  request.set_pipeline_id(pipeline_.id());
  *request.add_chunks() = std::move(chunk);
  return client_.Push(request, {.stop = stop_.get_token(), .timeout = {}}).status();
}

absl::Status Run::Pace(int64_t records) {
  if (settings_.records_per_second <= 0) return absl::OkStatus();
  paced_records_ += records;
  client::Clock& timer = *session_.environment().timer;
  const absl::Duration due = absl::Seconds(static_cast<double>(paced_records_) / settings_.records_per_second);
  const absl::Duration wait = due - (timer.Elapsed() - pace_start_);
  if (wait <= absl::ZeroDuration() || timer.Sleep(wait, stop_.get_token())) return absl::OkStatus();
  return absl::CancelledError("interrupted");
}

absl::Status Run::PullAll() {
  client::PullerOptions options;
  options.after = 0;
  options.wait = kPullWait;
  options.stop = stop_.get_token();
  options.on_status = [this](const v1::PipelineStatus&) {
    progress_.OnReply();
    progress_.Update(State());
  };
  auto puller = pipeline_.NewPuller(std::move(options));
  if (!puller.ok()) return puller.status();
  ReorderBuffer<v1::ChunkResult> waiting;
  // Without a chunk there is no result to wait for, and a pipeline that stays open never says so.
  ledger_.AwaitAdded(1, absl::InfiniteDuration());
  for (;;) {
    if (settings_.keep_open && ledger_.total() == output_.chunks()) break;
    auto result = (*puller)->Next();
    if (!result.ok()) return During("cannot pull", result.status());
    if (!result->has_value()) break;
    // Chunks with other ids were pushed by someone else.
    const auto position = ChunkPosition((*result)->chunk_id());
    if (position.has_value()) waiting.Put(*position, **std::move(result));
    if (auto status = WriteWhatIsDue(waiting); !status.ok()) return During("cannot write", status);
    if (waiting.size() > kWaitingChunksMax) ledger_.AwaitAdded(waiting.next(), kReadAheadWait);
  }
  for (;;) {
    // Drained: every result is here, and the rows of the last ones come as fast as the input is read.
    if (auto status = WriteWhatIsDue(waiting); !status.ok()) return During("cannot write", status);
    if (stop_.stop_requested()) return absl::CancelledError("interrupted");
    if (ledger_.total().has_value()) break;
    if (!waiting.HasNext()) return MissingResults((*puller)->status());
    ledger_.AwaitAdded(waiting.next(), kReadAheadWait);
  }
  if (ledger_.total() != output_.chunks()) return MissingResults((*puller)->status());
  if (settings_.keep_open) {
    if (auto status = (*puller)->Acknowledge(); !status.ok()) return During("cannot acknowledge", status);
  }
  return During("cannot write", output_.WriteSkipped(ledger_.TakeTail()));
}

absl::Status Run::WriteWhatIsDue(ReorderBuffer<v1::ChunkResult>& waiting) {
  while (waiting.HasNext()) {
    const auto rows = ledger_.Take(waiting.next());
    if (!rows.has_value()) return absl::OkStatus();
    if (auto status = output_.Write(*rows, *waiting.TakeNext()); !status.ok()) return status;
    written_offset_ = rows->end_offset;
    progress_.Update(State());
  }
  return absl::OkStatus();
}

absl::Status Run::MissingResults(const v1::PipelineStatus& status) const {
  std::string state = DescribeState(status.state(), status.outcome());
  if (!status.state_reason().empty()) absl::StrAppend(&state, ": ", status.state_reason());
  return WithHint(absl::FailedPreconditionError(absl::StrCat("the pipeline ended (", state, ") with ", output_.chunks(),
                                                             " chunks processed, but the input has more")),
                  absl::StrCat("`millrace jobs show ", pipeline_.id(), "` says why"));
}

ProgressState Run::State() const {
  ProgressState state{.records = output_.records(), .failed = output_.failed(), .share = {}};
  if (settings_.input_bytes.value_or(0) > 0) {
    state.share = std::min(1.0, static_cast<double>(written_offset_) / static_cast<double>(*settings_.input_bytes));
  }
  return state;
}

}  // namespace millrace::cli
