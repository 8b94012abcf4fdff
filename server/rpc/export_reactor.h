// ExportJob: sends the records of a job as a file, as fast as the client takes it.
#pragma once

#include "grpcpp/support/server_callback.h"
#include "millrace/v1/job_service.pb.h"
#include "server/rpc/environment.h"

namespace millrace::rpc {

grpc::ServerWriteReactor<v1::ExportJobResponse>* ServeExportJob(grpc::CallbackServerContext* context,
                                                                const v1::ExportJobRequest* request,
                                                                const Environment& environment);

}  // namespace millrace::rpc
