#include "client/cpp/pusher.h"

#include <deque>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/internal/status_details.h"
#include "client/cpp/pipeline.h"

namespace millrace::client {
namespace {

constexpr int kCallsInFlightMax = 64;
constexpr int64_t kBytesPerCallMax = 64 * 1024 * 1024;
constexpr int kChunksPerCallMax = 1'000;
constexpr size_t kChunkBytesMax = 64 * 1024 * 1024;

// Whether one chunk of many may be to blame. Any other error meets all chunks alike.
bool BlamesAChunk(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsAlreadyExists(status);
}

// What a server says to a chunk that it can still receive; a larger one it would not even hear of.
absl::Status TooLarge(const std::string& chunk_id, size_t bytes) {
  return MakeServerError(
      absl::StatusCode::kInvalidArgument,
      absl::StrCat(chunk_id.empty() ? "" : absl::StrCat("chunk ", chunk_id, ": "), "a chunk holds at most ",
                   kChunkBytesMax, " bytes, got ", bytes, "; push smaller chunks"),
      {.reason = v1::CHUNK_TOO_LARGE,
       .metadata = {{"actual", absl::StrCat(bytes)}, {"limit", absl::StrCat(kChunkBytesMax)}}});
}

}  // namespace

absl::Status Validate(const PusherOptions& options) {
  if (options.max_calls_in_flight < 1 || options.max_calls_in_flight > kCallsInFlightMax) {
    return internal::OptionError("max_calls_in_flight", absl::StrCat("must be 1 to ", kCallsInFlightMax));
  }
  if (options.max_bytes_per_call < 1 || options.max_bytes_per_call > kBytesPerCallMax) {
    return internal::OptionError("max_bytes_per_call", absl::StrCat("must be 1 to ", kBytesPerCallMax));
  }
  if (options.max_bytes_in_flight < 1) return internal::OptionError("max_bytes_in_flight", "must be at least 1");
  return absl::OkStatus();
}

// What is behind a Pusher. One thread writes chunks into a stream, another one reads the answers. Where that cannot be,
// threads take chunks that wait, send them in one call and hand in a report; reports are delivered in the order in which
// the chunks were taken, by whichever thread completes the next one.
class Pusher::Engine {
 public:
  Engine(Pipeline pipeline, PusherOptions options)
      : pipeline_(std::move(pipeline)), options_(std::move(options)), forward_stop_(options_.stop, [this] { Stop(); }) {
    thread_ = std::thread([this] { Run(); });
  }

  ~Engine() {
    Stop();
    thread_.join();
  }

  absl::StatusOr<std::string> Push(v1::Chunk chunk) ABSL_LOCKS_EXCLUDED(mutex_) {
    const auto bytes = static_cast<int64_t>(chunk.ByteSizeLong());
    if (const size_t records = chunk.data().inputs().json_lines().size(); records > kChunkBytesMax) {
      return TooLarge(chunk.id(), records);
    }
    absl::MutexLock lock(&mutex_);
    const auto has_room = [this, bytes]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return !error_.ok() || bytes_in_flight_ == 0 || bytes_in_flight_ + bytes <= options_.max_bytes_in_flight;
    };
    mutex_.Await(absl::Condition(&has_room));
    if (!error_.ok()) return error_;
    pipeline_.Name(chunk);
    std::string id = chunk.id();
    bytes_in_flight_ += bytes;
    const auto waiting = std::make_shared<Waiting>();
    *waiting->message.mutable_chunk() = std::move(chunk);
    waiting->bytes = bytes;
    waiting_.push_back(waiting);
    return id;
  }

  absl::Status Flush() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto settled = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !error_.ok() || bytes_in_flight_ == 0; };
    mutex_.Await(absl::Condition(&settled));
    return error_;
  }

  int64_t chunks_stored() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return chunks_stored_;
  }

  int64_t records_stored() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return records_stored_;
  }

 private:
  // A chunk until it is answered.
  struct Waiting {
    v1::PushStreamRequest message;
    int64_t bytes = 0;
    // Another chunk is ready to be sent behind this one.
    bool more_follows = false;
  };
  using WaitingPtr = std::shared_ptr<Waiting>;

  // What one thread sends in one call.
  struct Load {
    int64_t number = 0;
    int64_t bytes = 0;
    v1::PushRequest request;
  };

  // What became of a load: the chunks that are stored, and the error that met the next one, if any.
  struct Report {
    int64_t bytes = 0;
    v1::PushResponse stored;
    absl::Status status;
  };

  void Stop() ABSL_LOCKS_EXCLUDED(mutex_) {
    stop_source_.request_stop();
    absl::MutexLock lock(&mutex_);
    halted_ = true;
    if (error_.ok()) error_ = absl::CancelledError("the pusher was stopped");
  }

  void Run() ABSL_LOCKS_EXCLUDED(mutex_) {
    while (AwaitChunk()) {
      const absl::Status ended = RunStream();
      if (absl::IsUnimplemented(ended)) return RunCalls();
      // The first chunk without an answer tells what is wrong, or waits until nothing is wrong any more.
      Load load;
      if (Take(load, /*chunks_max=*/1)) SendLoad(load);
    }
  }

  // False when nothing more shall be sent.
  bool AwaitChunk() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return halted_ || !waiting_.empty(); };
    mutex_.Await(absl::Condition(&ready));
    return !halted_;
  }

  // Sends chunks through one stream until it ends. What is not answered then waits again.
  absl::Status RunStream() ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      stream_ended_ = pipeline_.state() != Pipeline::State::kOpen;
      // The call that follows says so to whoever has a chunk for it.
      if (stream_ended_) return absl::OkStatus();
    }
    const std::unique_ptr<PushStreamCall> stream = pipeline_.OpenPushStream({.stop = stop_source_.get_token()});
    std::thread reader([this, &stream] { ReadAnswers(*stream); });
    v1::PushStreamRequest start;
    start.mutable_start()->set_pipeline_id(pipeline_.id());
    start.mutable_start()->set_stop_at_refusal(true);
    bool open = stream->Write(start);
    while (open) {
      const WaitingPtr next = NextToSend();
      open = next != nullptr && stream->Write(next->message, next->more_follows);
    }
    // A server that is to be heard no more must not keep anybody waiting.
    halted() ? stream->Cancel() : stream->WritesDone();
    reader.join();
    {
      absl::MutexLock lock(&mutex_);
      waiting_.insert(waiting_.begin(), sent_.begin(), sent_.end());
      sent_.clear();
    }
    return stream->Finish();
  }

  bool halted() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return halted_;
  }

  // Waits for a chunk; null when no more shall go through this stream.
  WaitingPtr NextToSend() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto ready = [this]()
                           ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return halted_ || stream_ended_ || !waiting_.empty(); };
    mutex_.Await(absl::Condition(&ready));
    if (halted_ || stream_ended_ || pipeline_.state() != Pipeline::State::kOpen) return nullptr;
    WaitingPtr next = std::move(waiting_.front());
    waiting_.pop_front();
    next->more_follows = !waiting_.empty();
    sent_.push_back(next);
    return next;
  }

  void ReadAnswers(PushStreamCall& stream) ABSL_LOCKS_EXCLUDED(mutex_) {
    v1::PushStreamResponse answer;
    while (stream.Read(answer)) {
      WaitingPtr answered;
      {
        absl::MutexLock lock(&mutex_);
        if (sent_.empty()) {
          // An answer to nothing: no server of ours.
          stream.Cancel();
          continue;
        }
        answered = std::move(sent_.front());
        sent_.pop_front();
      }
      Report report;
      report.bytes = answered->bytes;
      if (answer.has_error()) {
        report.status = Refused(answered->message.chunk(), internal::ServerError(answer.error()));
      } else {
        *report.stored.add_chunks() = std::move(*answer.mutable_chunk());
        if (answer.has_status()) *report.stored.mutable_status() = std::move(*answer.mutable_status());
        pipeline_.Learn(report.stored);
      }
      Deliver(report);
      absl::MutexLock lock(&mutex_);
      Account(report);
      if (!report.status.ok()) stream.Cancel();
    }
    absl::MutexLock lock(&mutex_);
    stream_ended_ = true;
  }

  // Sends chunks through calls until nothing more shall be sent.
  void RunCalls() ABSL_LOCKS_EXCLUDED(mutex_) {
    std::vector<std::thread> others;
    const auto run = [this] {
      for (Load load; Take(load, kChunksPerCallMax);) SendLoad(load);
    };
    for (int i = 1; i < options_.max_calls_in_flight; ++i) others.emplace_back(run);
    run();
    for (std::thread& other : others) other.join();
  }

  void SendLoad(Load& load) ABSL_LOCKS_EXCLUDED(mutex_) {
    Report report = Send(load.request);
    report.bytes = load.bytes;
    HandIn(load.number, std::move(report));
  }

  // Waits for chunks and takes as many as one call may carry; false when nothing more shall be sent.
  bool Take(Load& load, int chunks_max) ABSL_LOCKS_EXCLUDED(mutex_) {
    load.request.Clear();
    load.bytes = 0;
    absl::MutexLock lock(&mutex_);
    const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return halted_ || !waiting_.empty(); };
    mutex_.Await(absl::Condition(&ready));
    if (halted_) return false;
    load.number = loads_taken_++;
    do {
      load.bytes += waiting_.front()->bytes;
      load.request.mutable_chunks()->Add(std::move(*waiting_.front()->message.mutable_chunk()));
      waiting_.pop_front();
    } while (!waiting_.empty() && load.request.chunks_size() < chunks_max &&
             load.bytes + waiting_.front()->bytes <= options_.max_bytes_per_call);
    return true;
  }

  Report Send(v1::PushRequest& request) {
    const CallOptions call{.stop = stop_source_.get_token()};
    absl::StatusOr<v1::PushResponse> response = pipeline_.PushNamed(request, call);
    Report report;
    if (response.ok()) {
      report.stored = *std::move(response);
    } else if (request.chunks_size() == 1 || !BlamesAChunk(response.status())) {
      report.status = Refused(request.chunks(0), response.status());
    } else {
      SendOneByOne(request, call, report);
    }
    return report;
  }

  // A call is stored whole or not at all: so that only the chunk to blame is refused, each goes alone.
  void SendOneByOne(v1::PushRequest& request, const CallOptions& call, Report& report) {
    v1::PushRequest single;
    for (v1::Chunk& chunk : *request.mutable_chunks()) {
      single.clear_chunks();
      single.add_chunks()->Swap(&chunk);
      absl::StatusOr<v1::PushResponse> response = pipeline_.PushNamed(single, call);
      if (!response.ok()) {
        report.status = Refused(single.chunks(0), response.status());
        return;
      }
      report.stored.mutable_chunks()->MergeFrom(response->chunks());
      *report.stored.mutable_status() = std::move(*response->mutable_status());
    }
  }

  absl::Status Refused(const v1::Chunk& chunk, const absl::Status& status) {
    if (absl::IsInvalidArgument(status)) pipeline_.Forget(chunk.id());
    return internal::WithMessage(status, absl::StrCat("chunk ", chunk.id(), ": ", status.message()));
  }

  void HandIn(int64_t number, Report report) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (!report.status.ok()) halted_ = true;
    reports_.emplace(number, std::move(report));
    if (delivering_) return;
    delivering_ = true;
    for (auto next = reports_.find(loads_reported_); next != reports_.end(); next = reports_.find(loads_reported_)) {
      const Report due = std::move(next->second);
      reports_.erase(next);
      // Callbacks may take their time, and meanwhile other threads go on.
      mutex_.Unlock();
      Deliver(due);
      mutex_.Lock();
      ++loads_reported_;
      Account(due);
    }
    delivering_ = false;
  }

  void Account(const Report& report) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    bytes_in_flight_ -= report.bytes;
    chunks_stored_ += report.stored.chunks_size();
    for (const v1::PushedChunk& chunk : report.stored.chunks()) records_stored_ += chunk.record_count();
    if (!report.status.ok()) halted_ = true;
    if (error_.ok()) error_ = report.status;
  }

  void Deliver(const Report& report) {
    if (options_.on_stored) {
      for (const v1::PushedChunk& chunk : report.stored.chunks()) options_.on_stored(chunk);
    }
    if (options_.on_status && report.stored.has_status()) options_.on_status(report.stored.status());
  }

  // Constant after construction.
  Pipeline pipeline_;
  const PusherOptions options_;

  // Synchronised by itself: ends calls on their way.
  std::stop_source stop_source_;

  mutable absl::Mutex mutex_;
  std::deque<WaitingPtr> waiting_ ABSL_GUARDED_BY(mutex_);
  // Chunks that went into the stream and are not answered, in order.
  std::deque<WaitingPtr> sent_ ABSL_GUARDED_BY(mutex_);
  bool stream_ended_ ABSL_GUARDED_BY(mutex_) = false;
  // Bytes of all chunks that are taken from the caller and not reported yet.
  int64_t bytes_in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t loads_taken_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t loads_reported_ ABSL_GUARDED_BY(mutex_) = 0;
  // Reports that wait for those before them, by number of their load.
  std::map<int64_t, Report> reports_ ABSL_GUARDED_BY(mutex_);
  // True while one thread delivers reports.
  bool delivering_ ABSL_GUARDED_BY(mutex_) = false;
  // Nothing more is sent.
  bool halted_ ABSL_GUARDED_BY(mutex_) = false;
  // The first error, in the order of Push.
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  int64_t chunks_stored_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t records_stored_ ABSL_GUARDED_BY(mutex_) = 0;

  // Uses all of the above.
  std::thread thread_;
  // Last, as it may stop the engine at once.
  std::stop_callback<std::function<void()>> forward_stop_;
};

Pusher::Pusher(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

Pusher::~Pusher() = default;

std::unique_ptr<Pusher> Pusher::Make(Pipeline pipeline, PusherOptions options) {
  // Not make_unique: the constructor is private.
  return std::unique_ptr<Pusher>(new Pusher(std::make_unique<Engine>(std::move(pipeline), std::move(options))));
}

absl::StatusOr<std::string> Pusher::Push(v1::Chunk chunk) { return engine_->Push(std::move(chunk)); }

absl::Status Pusher::Flush() { return engine_->Flush(); }

int64_t Pusher::chunks_stored() const { return engine_->chunks_stored(); }

int64_t Pusher::records_stored() const { return engine_->records_stored(); }

}  // namespace millrace::client
