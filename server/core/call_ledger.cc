#include "server/core/call_ledger.h"

#include <algorithm>

namespace millrace::core {
namespace {

constexpr std::string_view kOther = "other";

}  // namespace

void CallLedger::Answered(std::string_view method, absl::StatusCode code, absl::Duration took) {
  Method& calls = Find(method);
  // Codes beyond those of gRPC are none of ours.
  const auto index = std::min<size_t>(static_cast<size_t>(code), kCodes - 1);
  calls.by_code[index].fetch_add(1, std::memory_order_relaxed);
  calls.seconds.Add(absl::ToDoubleSeconds(took));
}

CallLedger::Method& CallLedger::Find(std::string_view method) {
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (const auto found = methods_.find(method); found != methods_.end()) return *found->second;
  }
  absl::MutexLock lock(&mutex_);
  const bool full = methods_.size() >= kMethodsMax && !methods_.contains(method);
  std::unique_ptr<Method>& made = methods_[std::string(full ? kOther : method)];
  // Never removed, so the reference stays good without the lock.
  if (made == nullptr) made = std::make_unique<Method>();
  return *made;
}

std::vector<MethodCalls> CallLedger::Read() const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<MethodCalls> all;
  all.reserve(methods_.size());
  for (const auto& [name, method] : methods_) {
    MethodCalls& calls = all.emplace_back();
    calls.method = name;
    for (size_t code = 0; code < kCodes; ++code) {
      const int64_t count = method->by_code[code].load(std::memory_order_relaxed);
      if (count > 0) calls.by_code[absl::StatusCodeToString(static_cast<absl::StatusCode>(code))] = count;
    }
    calls.seconds = method->seconds.Read();
  }
  return all;
}

}  // namespace millrace::core
