// Looks on while calls of any method run, streams included: gives each a request id, counts it, and logs what is slow
// or broken. Sits in front of the bindings, so that no method can be forgotten.
#pragma once

#include <memory>

#include "absl/time/time.h"
#include "grpcpp/support/server_interceptor.h"
#include "server/core/call_ledger.h"
#include "storage/model/clock.h"
#include "storage/model/ids.h"

namespace millrace::rpc {

/// What is done about calls besides serving them.
struct CallWatch {
  /// Counts calls; null: nobody does.
  core::CallLedger* ledger = nullptr;
  /// A unary call that takes longer is logged. The time that a call asked to wait (Pull's `wait`) does not count.
  absl::Duration slow_call = absl::InfiniteDuration();
};

/// The metadata key under which a caller may name its call, and under which the answer names it: `x-request-id`. A
/// name that is no valid id (ValidateId) is replaced by one that the server makes. A failed call carries it in its
/// details too, as google.rpc.RequestInfo.
inline constexpr char kRequestIdKey[] = "x-request-id";

/// All must outlive the server that uses it.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallWatcher(const CallWatch& watch,
                                                                                       const model::Clock& clock,
                                                                                       model::IdGenerator& ids);

}  // namespace millrace::rpc
