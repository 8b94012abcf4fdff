#include "server/rpc/grpc_server.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "server/rpc/listener.h"
#include "server/rpc/services.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::rpc {
namespace {

using grpc::experimental::ExternalConnectionAcceptor;
using ExternalConnectionType = grpc::ServerBuilder::experimental_type::ExternalConnectionType;

// How long a client that reads may take to hear of the end of its stream. One that does not read is cut off then.
constexpr absl::Duration kStreamEndMax = absl::Seconds(1);

// Of all files that the process may have open; the rest is for the store.
constexpr int64_t kConnectionFilesPercent = 75;

class Server final : public GrpcServer {
 public:
  Server(const handlers::Deps& deps, core::Executor& executor, core::ProgressFeed& feed)
      : environment_{.deps = deps, .executor = executor, .feed = feed, .streams = streams_, .draining = draining_},
        services_(MakeServices(environment_)) {}

  ~Server() override { Shutdown(absl::ZeroDuration()); }

  absl::Status Start(const std::string& address, const CallWatch& watch) {
    grpc::ServerBuilder builder;
    // Without this a second server could listen on the same port and take half of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // Streams may be silent for long; a client finds out by pings whether its server is still there.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
    // And the server, whether a client is: what it holds for one that is gone without a word is freed.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
    builder.SetMaxReceiveMessageSize(model::kMessageBytesMax);
    builder.SetMaxSendMessageSize(-1);
    const bool is_network = !absl::StartsWith(address, "unix:");
    if (is_network) {
      if (absl::Status opened = OpenListener(address); !opened.ok()) return opened;
      acceptor_ = builder.experimental().AddExternalConnectionAcceptor(ExternalConnectionType::FROM_FD,
                                                                       grpc::InsecureServerCredentials());
    } else {
      builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    }
    for (const std::unique_ptr<grpc::Service>& service : services_) builder.RegisterService(service.get());
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> watchers;
    watchers.push_back(MakeCallWatcher(watch, environment_.deps.clock, environment_.deps.ids));
    builder.experimental().SetInterceptorCreators(std::move(watchers));
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return model::MakeError(model::Reason::kServerNotReady,
                              absl::StrCat("cannot listen on ", address,
                                           ": another process may have the port; choose another with --listen"));
    }
    server_->GetHealthCheckService()->SetServingStatus(true);
    if (is_network) {
      listener_->Start([acceptor = acceptor_.get()](int fd) {
        ExternalConnectionAcceptor::NewConnectionParameters connection;
        connection.fd = fd;
        acceptor->HandleNewConnection(&connection);
      });
    }
    return absl::OkStatus();
  }

  int port() const override { return port_; }

  void StopServing() override {
    server_->GetHealthCheckService()->SetServingStatus(false);
    draining_ = true;
    streams_.CloseAll();
  }

  void Shutdown(absl::Duration patience) override {
    if (server_ == nullptr) return;
    StopServing();
    if (listener_ != nullptr) listener_->Stop();
    streams_.AwaitGone(std::min(patience, kStreamEndMax));
    server_->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                   gpr_time_from_micros(absl::ToInt64Microseconds(patience), GPR_TIMESPAN)));
    server_->Wait();
    server_ = nullptr;
  }

 private:
  absl::Status OpenListener(const std::string& address) {
    absl::StatusOr<std::unique_ptr<Listener>> listener =
        Listener::Open(address, RaiseFileLimit() * kConnectionFilesPercent / 100);
    if (!listener.ok()) return listener.status();
    listener_ = *std::move(listener);
    port_ = listener_->port();
    return absl::OkStatus();
  }

  OpenStreams streams_;
  std::atomic<bool> draining_ = false;
  const Environment environment_;
  const std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> StartGrpcServer(const std::string& address, const handlers::Deps& deps,
                                                            core::Executor& executor, core::ProgressFeed& feed,
                                                            const CallWatch& watch) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto server = std::make_unique<Server>(deps, executor, feed);
  if (absl::Status status = server->Start(address, watch); !status.ok()) return status;
  return server;
}

}  // namespace millrace::rpc
