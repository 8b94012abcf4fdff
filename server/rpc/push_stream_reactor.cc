#include "server/rpc/push_stream_reactor.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/core/convert.h"
#include "server/handlers/chunk_content.h"
#include "server/handlers/validate.h"
#include "server/rpc/stream_reactor.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"
#include "storage/store/job_store.h"

namespace millrace::rpc {
namespace {

/// True when a chunk of `bytes` is worth another try: it fits, or it will never be taken.
bool HasRoom(const model::Job& job, int64_t bytes) {
  return !model::TakesInput(job) || job.options.input_buffer_bytes - job.input_buffer_used_bytes >= bytes;
}

/// A chunk from the moment it came until it is answered.
struct Slot {
  enum class State { kToStore, kOnItsWay, kAnswered, kFatal };
  State state = State::kToStore;
  std::string chunk_id;
  size_t bytes = 0;
  /// As it came; empty once it is read.
  v1::Chunk request;
  /// Kept until it is stored: a chunk that finds no room is pushed again. Work's own while kToStore.
  std::optional<model::NewChunk> chunk;
  /// What became of it.
  absl::StatusOr<model::PushedChunk> outcome = absl::UnknownError("not stored yet");
  model::JobPtr job;
};
using SlotPtr = std::shared_ptr<Slot>;

/// Chunks are handed to the store in the order in which they came, and many may be on their way: they share a sync.
/// Their PushOrder keeps one that finds no room from being overtaken; it and those behind it are pushed again when
/// there is room.
class PushStreamReactor final : public StreamReactor<v1::PushStreamRequest, v1::PushStreamResponse> {
 public:
  using StreamReactor::StreamReactor;

 protected:
  void OnMessage(v1::PushStreamRequest& request) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    absl::Status status = request.has_start() ? TakeStart(request.start()) : TakeChunk(request);
    // The chunks before it are still stored and answered.
    if (!status.ok()) end_ = std::move(status);
    ScheduleWork();
  }

  void OnInputEnd() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (end_.has_value()) return;
    end_ = started_ ? absl::OkStatus() : model::FieldError("start", "is required as the first message");
  }

  bool WantsMessage() const override ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    if (end_.has_value()) return false;
    // So each stream can go on, whatever the others hold, and looks again when a chunk of its own is answered.
    if (slots_.empty()) return true;
    return slots_.size() < model::kStreamChunksMax && bytes_ < model::kStreamBytesMax &&
           environment_.streams.held_bytes() < model::kStreamsBytesMax;
  }

  bool HasResponse() const override ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !slots_.empty() && slots_.front()->state == Slot::State::kAnswered;
  }

  bool NextResponse(v1::PushStreamResponse& response) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!HasResponse()) return false;
    const SlotPtr slot = std::move(slots_.front());
    slots_.pop_front();
    Release(slot->bytes);
    response.set_chunk_id(slot->chunk_id);
    if (slot->outcome.ok()) {
      *response.mutable_chunk() = handlers::ToProto(*std::move(slot->outcome));
      // Of several answers that are ready the last one tells it for all.
      if (!HasResponse()) {
        *response.mutable_status() = core::ToStatusProto(*slot->job, environment_.deps.leases.running(key_),
                                                         call_.request_time, environment_.deps.clock.Now());
      }
    } else {
      *response.mutable_error() = ToStatusProto(slot->outcome.status());
    }
    return true;
  }

  std::optional<absl::Status> End() const override ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    if (slots_.empty()) return end_;
    // What stands behind a refused chunk is neither stored nor answered; what comes back late changes nothing.
    if (refused_.has_value() && !HasResponse() && on_their_way_ == 0) return refused_;
    if (slots_.front()->state == Slot::State::kFatal) return slots_.front()->outcome.status();
    return std::nullopt;
  }

  void Work() override {
    if (!CheckPipeline() || !AwaitRoom()) return;
    while (const SlotPtr slot = NextToStore()) Store(slot);
  }

  void OnGone() override {
    std::optional<core::ProgressFeed::WatchId> watch;
    {
      absl::MutexLock lock(&mutex_);
      watch = std::exchange(watch_, std::nullopt);
      Release(bytes_);
    }
    if (watch.has_value()) environment_.feed.Unwatch(key_, *watch);
  }

 private:
  std::shared_ptr<PushStreamReactor> Self() { return std::static_pointer_cast<PushStreamReactor>(shared_from_this()); }

  absl::Status TakeStart(const v1::PushStreamStart& start) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (started_) return model::FieldError("start", "is for the first message only");
    if (absl::Status status = handlers::ValidateRequiredId("start.pipeline_id", start.pipeline_id()); !status.ok()) {
      return status;
    }
    started_ = true;
    key_ = call_.job(start.pipeline_id());
    order_->strict = stop_at_refusal_ = start.stop_at_refusal();
    return absl::OkStatus();
  }

  absl::Status TakeChunk(v1::PushStreamRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!started_) return model::FieldError("start", "is required as the first message");
    if (!request.has_chunk()) return model::FieldError("chunk", "is required in every message but the first");
    const auto slot = std::make_shared<Slot>();
    slot->bytes = request.chunk().ByteSizeLong();
    slot->request.Swap(request.mutable_chunk());
    slot->chunk_id = slot->request.id();
    bytes_ += slot->bytes;
    environment_.streams.Hold(slot->bytes);
    slots_.push_back(slot);
    return absl::OkStatus();
  }

  void Release(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    bytes_ -= bytes;
    environment_.streams.Release(bytes);
  }

  /// Looks, once, whether there is such a pipeline: so that a client hears of it before it has sent a chunk.
  bool CheckPipeline() {
    {
      absl::MutexLock lock(&mutex_);
      if (checked_ || !started_) return started_;
      checked_ = true;
    }
    const absl::Status found = environment_.deps.store.GetJob(key_).status();
    if (found.ok()) return true;
    absl::MutexLock lock(&mutex_);
    end_ = found;
    slots_.clear();
    Release(bytes_);
    return false;
  }

  /// The first chunk that is neither stored nor on its way.
  SlotPtr NextToStore() {
    absl::MutexLock lock(&mutex_);
    if (over() || waits_for_room_ || fatal_ || refused_.has_value()) return nullptr;
    const auto found = std::find_if(slots_.begin(), slots_.end(),
                                    [](const SlotPtr& slot) { return slot->state == Slot::State::kToStore; });
    return found == slots_.end() ? nullptr : *found;
  }

  void Store(const SlotPtr& slot) {
    if (!slot->chunk.has_value()) {
      absl::StatusOr<model::NewChunk> taken = handlers::TakeChunk("chunk", slot->request);
      slot->request.Clear();
      if (!taken.ok()) return Answer(slot, taken.status());
      slot->chunk = *std::move(taken);
      if (slot->chunk->id.empty()) slot->chunk->id = environment_.deps.ids.Next();
    }
    if (environment_.deps.activity != nullptr) environment_.deps.activity->OnUse(key_);
    store::PushChunks push{.job = key_, .chunks = {}, .order = nullptr};
    // Not through a list in braces, which would copy the bytes twice.
    push.chunks.push_back(*slot->chunk);
    {
      absl::MutexLock lock(&mutex_);
      slot->state = Slot::State::kOnItsWay;
      ++on_their_way_;
      push.order = order_;
    }
    environment_.deps.store.PushChunks(std::move(push),
                                       [self = Self(), slot](absl::StatusOr<store::PushReceipt> receipt) {
                                         self->OnStored(slot, std::move(receipt));
                                       });
  }

  void Answer(const SlotPtr& slot, absl::Status error) {
    absl::MutexLock lock(&mutex_);
    Refuse(*slot, std::move(error));
  }

  /// Answers a chunk that is not stored for its own sake.
  void Refuse(Slot& slot, absl::Status error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    slot.outcome = std::move(error);
    slot.state = Slot::State::kAnswered;
    if (!stop_at_refusal_) return;
    order_->broken = true;
    if (!refused_.has_value()) {
      refused_ = absl::AbortedError(absl::StrCat(
          "chunk ", slot.chunk_id, " was refused, and start.stop_at_refusal is set: nothing behind it is stored"));
    }
  }

  /// Runs on the commit lane.
  void OnStored(const SlotPtr& slot, absl::StatusOr<store::PushReceipt> receipt) {
    bool scheduled = false;
    {
      absl::MutexLock lock(&mutex_);
      --on_their_way_;
      if (receipt.ok()) {
        slot->outcome = std::move(receipt->chunks[0]);
        slot->job = std::move(receipt->job);
        slot->chunk.reset();
        slot->state = Slot::State::kAnswered;
      } else if (model::HasReason(receipt.status(), model::Reason::kInputBufferFull)) {
        slot->state = Slot::State::kToStore;
        waits_for_room_ = true;
      } else {
        OnFailed(*slot, receipt.status());
      }
      scheduled = ScheduleWork();
    }
    if (!scheduled) Advance();
  }

  void OnFailed(Slot& slot, const absl::Status& failure) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (store::BlamesTheChunks(failure)) return Refuse(slot, failure);
    slot.outcome = failure;
    slot.state = Slot::State::kFatal;
    // Nothing behind a chunk whose fate is open may be stored before it.
    order_->broken = fatal_ = true;
  }

  /// False while a chunk waits for room: then Work runs again when something changes.
  bool AwaitRoom() {
    SlotPtr first;
    {
      absl::MutexLock lock(&mutex_);
      if (!waits_for_room_) return true;
      if (fatal_ || refused_.has_value()) return false;
      // Those that are on their way are behind it, and come back.
      if (on_their_way_ > 0 || watch_.has_value() || over()) return false;
      const auto found = std::find_if(slots_.begin(), slots_.end(),
                                      [](const SlotPtr& slot) { return slot->state == Slot::State::kToStore; });
      first = *found;
      order_ = std::make_shared<store::PushOrder>();
      order_->strict = stop_at_refusal_;
    }
    const auto bytes = static_cast<int64_t>(first->chunk->json_lines.size());
    const std::weak_ptr<PushStreamReactor> weak = Self();
    const core::ProgressFeed::WatchId id = environment_.feed.Watch(key_, [weak, bytes](const model::JobPtr& job) {
      const std::shared_ptr<PushStreamReactor> self = weak.lock();
      return self == nullptr || (HasRoom(*job, bytes) && self->OnRoom());
    });
    bool is_over = false;
    {
      absl::MutexLock lock(&mutex_);
      if (!waits_for_room_) return true;
      is_over = over();
      if (!is_over) watch_ = id;
    }
    if (is_over) {
      // OnGone may have been and gone.
      environment_.feed.Unwatch(key_, id);
      return false;
    }
    // What happened between the refusal and Watch was seen by neither. A job that is gone says so to the next push.
    const absl::StatusOr<model::JobPtr> job = environment_.deps.store.GetJob(key_);
    if (job.ok() && !HasRoom(**job, bytes)) return false;
    OnRoom();
    environment_.feed.Unwatch(key_, id);
    return true;
  }

  bool OnRoom() {
    bool scheduled = false;
    {
      absl::MutexLock lock(&mutex_);
      waits_for_room_ = false;
      watch_.reset();
      scheduled = ScheduleWork();
    }
    if (!scheduled) Advance();
    return true;
  }

  /// Set by `start`, constant from then on.
  model::JobKey key_;

  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool checked_ ABSL_GUARDED_BY(mutex_) = false;
  /// How the call ends behind the last chunk; set when nothing more is read.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  /// In the order in which they came.
  std::deque<SlotPtr> slots_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int on_their_way_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<store::PushOrder> order_ ABSL_GUARDED_BY(mutex_) = std::make_shared<store::PushOrder>();
  bool waits_for_room_ ABSL_GUARDED_BY(mutex_) = false;
  /// A chunk could not be stored, and nobody knows whether it is: the call ends with its answer.
  bool fatal_ ABSL_GUARDED_BY(mutex_) = false;
  bool stop_at_refusal_ ABSL_GUARDED_BY(mutex_) = false;
  /// A chunk was refused, and nothing behind it is stored: how the call ends behind the answer to it.
  std::optional<absl::Status> refused_ ABSL_GUARDED_BY(mutex_);
  std::optional<core::ProgressFeed::WatchId> watch_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

grpc::ServerBidiReactor<v1::PushStreamRequest, v1::PushStreamResponse>* ServePushStream(
    grpc::CallbackServerContext* context, const Environment& environment) {
  const auto reactor = std::make_shared<PushStreamReactor>(context, environment);
  reactor->Start();
  return reactor.get();
}

}  // namespace millrace::rpc
