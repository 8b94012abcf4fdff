#include "server/rpc/export_reactor.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/server_context.h"
#include "server/handlers/job_exporter.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/status.h"
#include "storage/model/errors.h"

namespace millrace::rpc {
namespace {

/// By turns, one piece at a time: the executor makes it, gRPC takes it. A client that does not read keeps the turn with gRPC,
/// and costs one piece and one chunk of memory. Whatever is under way holds a reference, gRPC holds one until OnDone.
class ExportReactor final : public grpc::ServerWriteReactor<v1::ExportJobResponse>,
                            public OpenStreams::Member,
                            public std::enable_shared_from_this<ExportReactor> {
 public:
  ExportReactor(grpc::CallbackServerContext* context, v1::ExportJobRequest request, const Environment& environment)
      : context_(context), request_(std::move(request)), environment_(environment), call_(environment.NewCall()) {}

  void Start() {
    self_ = shared_from_this();
    environment_.streams.Add(this);
    Advance();
  }

  /// The client goes on with its resume token, at whoever serves next.
  void Close() override {
    End(model::MakeError(model::Reason::kServerNotReady, "the server is shutting down; go on elsewhere"));
  }
  void Cancel() override { context_->TryCancel(); }

  void OnCancel() override { End(absl::CancelledError("the client has gone")); }

  void OnWriteDone(bool ok) override {
    const auto alive = shared_from_this();
    const bool ended = piece_.ended();
    {
      absl::MutexLock lock(&mutex_);
      under_way_ = false;
    }
    if (!ok) return End(absl::CancelledError("the client has gone"));
    if (ended) return End(absl::OkStatus());
    Advance();
  }

  void OnDone() override {
    const auto alive = std::move(self_);
    environment_.streams.Remove(this);
  }

 private:
  void End(absl::Status status) {
    {
      absl::MutexLock lock(&mutex_);
      if (!end_.has_value()) end_ = std::move(status);
    }
    Advance();
  }

  /// Begins what is next, unless something is under way.
  void Advance() {
    const auto alive = shared_from_this();
    std::optional<absl::Status> end;
    {
      absl::MutexLock lock(&mutex_);
      if (under_way_ || finished_) return;
      end = end_;
      finished_ = end.has_value();
      under_way_ = true;
    }
    // gRPC may be done with the call before Finish returns.
    if (end.has_value()) return Finish(ToGrpcStatus(*end));
    if (environment_.executor.TrySubmit([self = shared_from_this()] { self->MakePiece(); })) return;
    {
      absl::MutexLock lock(&mutex_);
      finished_ = true;
    }
    Finish(BusyStatus());
  }

  /// On the executor.
  void MakePiece() {
    absl::Status made = TryMakePiece();
    if (made.ok()) return StartWrite(&piece_);
    {
      absl::MutexLock lock(&mutex_);
      under_way_ = false;
    }
    End(std::move(made));
  }

  absl::Status TryMakePiece() {
    if (exporter_ == nullptr) {
      auto exporter = handlers::JobExporter::Begin(request_, call_, environment_.deps);
      if (!exporter.ok()) return exporter.status();
      exporter_ = *std::move(exporter);
    }
    absl::StatusOr<v1::ExportJobResponse> piece = exporter_->Next();
    if (!piece.ok()) return piece.status();
    piece_.Swap(&*piece);
    return absl::OkStatus();
  }

  grpc::CallbackServerContext* const context_;
  const v1::ExportJobRequest request_;
  const Environment& environment_;
  const handlers::Call call_;
  /// Keeps the reactor until gRPC is through with it.
  std::shared_ptr<ExportReactor> self_;

  // Of whoever is under way.
  std::unique_ptr<handlers::JobExporter> exporter_;
  v1::ExportJobResponse piece_;

  absl::Mutex mutex_;
  bool under_way_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  /// How the call ends, as soon as nothing is under way.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

grpc::ServerWriteReactor<v1::ExportJobResponse>* ServeExportJob(grpc::CallbackServerContext* context,
                                                                const v1::ExportJobRequest* request,
                                                                const Environment& environment) {
  const auto reactor = std::make_shared<ExportReactor>(context, *request, environment);
  reactor->Start();
  return reactor.get();
}

}  // namespace millrace::rpc
