#include "server/rpc/call_watch.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "server/core/log.h"
#include "server/rpc/status.h"
#include "spdlog/spdlog.h"

namespace millrace::rpc {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

/// Messages of other packages may be bytes that nobody has parsed.
constexpr std::string_view kOurs = "/millrace.";

std::string TextOf(const google::protobuf::Message& message, const char* name) {
  const google::protobuf::FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() ||
      field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
    return "";
  }
  return message.GetReflection()->GetString(message, field);
}

/// What a call is about: the message itself, or for a stream what it begins with, under `start`.
const google::protobuf::Message& SubjectOf(const google::protobuf::Message& message) {
  const google::protobuf::FieldDescriptor* field = message.GetDescriptor()->FindFieldByName("start");
  if (field == nullptr || field->is_repeated() ||
      field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
    return message;
  }
  return message.GetReflection()->GetMessage(message, field);
}

/// How long the caller asked to wait.
absl::Duration WaitOf(const google::protobuf::Message& message) {
  const google::protobuf::FieldDescriptor* field = message.GetDescriptor()->FindFieldByName("wait");
  if (field == nullptr || field->is_repeated() || field->message_type() != google::protobuf::Duration::descriptor()) {
    return absl::ZeroDuration();
  }
  const auto& wait =
      static_cast<const google::protobuf::Duration&>(message.GetReflection()->GetMessage(message, field));
  return absl::Seconds(wait.seconds()) + absl::Nanoseconds(wait.nanos());
}

/// Codes that speak of a defect here rather than of the call.
bool IsBroken(grpc::StatusCode code) {
  return code == grpc::StatusCode::INTERNAL || code == grpc::StatusCode::DATA_LOSS || code == grpc::StatusCode::UNKNOWN;
}

/// One call. gRPC runs its hooks one after the other, and destroys it with the call.
class CallWatcher final : public grpc::experimental::Interceptor {
 public:
  CallWatcher(const CallWatch& watch, const model::Clock& clock, model::IdGenerator& ids, ServerRpcInfo* info)
      : watch_(watch), clock_(clock), ids_(ids), info_(info), begin_nanos_(clock.SteadyNanos()) {
    if (watch_.ledger != nullptr) watch_.ledger->Began();
  }

  ~CallWatcher() override {
    if (watch_.ledger != nullptr) watch_.ledger->Ended();
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      TakeRequestId(*methods->GetRecvInitialMetadata());
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE)) {
      TakeMessage(methods->GetRecvMessage());
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) OnStatus(methods);
    methods->Proceed();
  }

 private:
  void TakeRequestId(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
    const auto given = metadata.find(kRequestIdKey);
    if (given == metadata.end()) return;
    std::string id(given->second.data(), given->second.size());
    if (model::ValidateId(kRequestIdKey, id).ok()) request_id_ = std::move(id);
  }

  void TakeMessage(const void* received) {
    // Of a stream, the first message tells; the others are not looked at.
    if (received == nullptr || std::exchange(heard_, true)) return;
    if (std::string_view(info_->method()).rfind(kOurs, 0) != 0) return;
    // gRPC keeps the type to itself. Each message of ours has Message as its one base, so the address is the same.
    const auto& message = *static_cast<const google::protobuf::Message*>(received);
    const google::protobuf::Message& subject = SubjectOf(message);
    job_id_ = TextOf(subject, "pipeline_id");
    if (job_id_.empty()) job_id_ = TextOf(subject, "job_id");
    wait_ = WaitOf(message);
  }

  void OnStatus(InterceptorBatchMethods* methods) {
    const absl::Duration took = absl::Nanoseconds(clock_.SteadyNanos() - begin_nanos_);
    const grpc::Status status = methods->GetSendStatus();
    if (request_id_.empty()) request_id_ = ids_.Next();
    methods->GetSendTrailingMetadata()->emplace(kRequestIdKey, request_id_);
    if (!status.ok()) methods->ModifySendStatus(WithRequestId(status, request_id_));

    std::string_view method = info_->method();
    if (!method.empty() && method.front() == '/') method.remove_prefix(1);
    if (watch_.ledger != nullptr) {
      watch_.ledger->Answered(method, static_cast<absl::StatusCode>(status.error_code()), took);
    }
    const bool slow = info_->type() == ServerRpcInfo::Type::UNARY && took - wait_ > watch_.slow_call;
    const bool broken = IsBroken(status.error_code());
    if (!slow && !broken && !spdlog::should_log(spdlog::level::debug)) return;
    const auto level = broken ? spdlog::level::err : slow ? spdlog::level::warn : spdlog::level::debug;
    const std::string message = broken ? absl::StrCat("call failed: ", status.error_message())
                                : slow ? "slow call"
                                       : "call";
    core::Log(level, message,
              {{"request_id", request_id_},
               {"job_id", job_id_},
               {"method", std::string(method)},
               {"code", absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code()))},
               {"duration_ms", absl::StrCat(absl::ToInt64Milliseconds(took))},
               {"peer", info_->server_context()->peer()}});
  }

  const CallWatch watch_;
  const model::Clock& clock_;
  model::IdGenerator& ids_;
  ServerRpcInfo* const info_;
  const int64_t begin_nanos_;
  bool heard_ = false;
  std::string request_id_;
  std::string job_id_;
  absl::Duration wait_ = absl::ZeroDuration();
};

class CallWatcherFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  CallWatcherFactory(const CallWatch& watch, const model::Clock& clock, model::IdGenerator& ids)
      : watch_(watch), clock_(clock), ids_(ids) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new CallWatcher(watch_, clock_, ids_, info);
  }

 private:
  const CallWatch watch_;
  const model::Clock& clock_;
  model::IdGenerator& ids_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallWatcher(const CallWatch& watch,
                                                                                       const model::Clock& clock,
                                                                                       model::IdGenerator& ids) {
  return std::make_unique<CallWatcherFactory>(watch, clock, ids);
}

}  // namespace millrace::rpc
