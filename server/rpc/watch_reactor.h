// WatchJob: tells a client about a job whenever it changes, as fast as the client takes it.
#pragma once

#include "grpcpp/support/server_callback.h"
#include "millrace/v1/job_service.pb.h"
#include "server/rpc/environment.h"

namespace millrace::rpc {

grpc::ServerWriteReactor<v1::WatchJobResponse>* ServeWatchJob(grpc::CallbackServerContext* context,
                                                              const v1::WatchJobRequest* request,
                                                              const Environment& environment);

}  // namespace millrace::rpc
