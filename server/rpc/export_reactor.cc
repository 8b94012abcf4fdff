#include "server/rpc/export_reactor.h"

#include <memory>
#include <utility>

#include "server/handlers/job_exporter.h"
#include "server/rpc/turn_reactor.h"

namespace millrace::rpc {
namespace {

/// One piece a turn: a client that does not read costs one piece, and one chunk that it was made of.
class ExportReactor final : public TurnReactor<v1::ExportJobResponse> {
 public:
  ExportReactor(grpc::CallbackServerContext* context, v1::ExportJobRequest request, const Environment& environment)
      : TurnReactor(context, environment), request_(std::move(request)) {}

 private:
  absl::StatusOr<bool> Make(v1::ExportJobResponse& response) override {
    if (exporter_ == nullptr) {
      auto exporter = handlers::JobExporter::Begin(request_, call_, environment_.deps);
      if (!exporter.ok()) return exporter.status();
      exporter_ = *std::move(exporter);
    }
    absl::StatusOr<v1::ExportJobResponse> piece = exporter_->Next();
    if (!piece.ok()) return piece.status();
    response.Swap(&*piece);
    Want();
    return !response.ended();
  }

  const v1::ExportJobRequest request_;
  std::unique_ptr<handlers::JobExporter> exporter_;
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
