#include "client/cpp/internal/service_config.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace millrace::client::internal {
namespace {

using ::google::protobuf::ListValue;
using ::google::protobuf::Struct;
using ::google::protobuf::Value;

absl::Status Malformed(std::string_view name, std::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("service config: ", std::string(name), ": ", std::string(expected)));
}

// The null Value for a name that is not there.
const Value& Get(const Struct& object, const std::string& name) {
  auto found = object.fields().find(name);
  return found == object.fields().end() ? Value::default_instance() : found->second;
}

absl::StatusOr<absl::Duration> GetDuration(const Struct& object, const std::string& name) {
  absl::Duration duration;
  if (!absl::ParseDuration(Get(object, name).string_value(), &duration) || duration <= absl::ZeroDuration()) {
    return Malformed(name, "must be a positive duration like \"1.5s\"");
  }
  return duration;
}

absl::StatusOr<absl::StatusCode> ParseCode(const std::string& name) {
  for (int number = 1; number <= 16; ++number) {
    const auto code = static_cast<absl::StatusCode>(number);
    if (absl::StatusCodeToString(code) == name) return code;
  }
  return Malformed("retryableStatusCodes", absl::StrCat("knows no \"", name, "\""));
}

absl::Status ParseRetryPolicy(const Struct& retry, MethodPolicy& policy) {
  absl::StatusOr<absl::Duration> initial = GetDuration(retry, "initialBackoff");
  if (!initial.ok()) return initial.status();
  absl::StatusOr<absl::Duration> max = GetDuration(retry, "maxBackoff");
  if (!max.ok()) return max.status();
  policy.initial_backoff = *initial;
  policy.max_backoff = *max;
  policy.backoff_multiplier = Get(retry, "backoffMultiplier").number_value();
  if (!(policy.backoff_multiplier >= 1)) return Malformed("backoffMultiplier", "must be a number of at least 1");
  for (const Value& code : Get(retry, "retryableStatusCodes").list_value().values()) {
    absl::StatusOr<absl::StatusCode> parsed = ParseCode(code.string_value());
    if (!parsed.ok()) return parsed.status();
    policy.retryable_codes.push_back(*parsed);
  }
  if (policy.retryable_codes.empty()) return Malformed("retryableStatusCodes", "must name at least one code");
  return absl::OkStatus();
}

absl::StatusOr<MethodPolicy> ParsePolicy(const Struct& entry) {
  MethodPolicy policy;
  if (entry.fields().contains("timeout")) {
    absl::StatusOr<absl::Duration> timeout = GetDuration(entry, "timeout");
    if (!timeout.ok()) return timeout.status();
    policy.timeout = *timeout;
  }
  if (entry.fields().contains("retryPolicy")) {
    absl::Status status = ParseRetryPolicy(Get(entry, "retryPolicy").struct_value(), policy);
    if (!status.ok()) return status;
  }
  return policy;
}

}  // namespace

absl::StatusOr<ServiceConfig> ServiceConfig::Parse(std::string_view json) {
  Struct root;
  const auto parsed = google::protobuf::util::JsonStringToMessage(std::string(json), &root);
  if (!parsed.ok()) return Malformed("not JSON", parsed.message().ToString());

  ServiceConfig config;
  const ListValue& entries = Get(root, "methodConfig").list_value();
  if (entries.values().empty()) return Malformed("methodConfig", "must be a list with at least one entry");
  for (const Value& entry : entries.values()) {
    absl::StatusOr<MethodPolicy> policy = ParsePolicy(entry.struct_value());
    if (!policy.ok()) return policy.status();
    for (const Value& name : Get(entry.struct_value(), "name").list_value().values()) {
      const std::string& service = Get(name.struct_value(), "service").string_value();
      const std::string& method = Get(name.struct_value(), "method").string_value();
      if (service.empty()) return Malformed("name", "must name a service");
      if (!config.policies_.emplace(absl::StrCat(service, "/", method), *policy).second) {
        return Malformed("name", absl::StrCat(service, "/", method, " has two entries"));
      }
    }
  }
  return config;
}

MethodPolicy ServiceConfig::Find(std::string_view method) const {
  auto found = policies_.find(method);
  if (found == policies_.end()) found = policies_.find(method.substr(0, method.find('/') + 1));
  return found == policies_.end() ? MethodPolicy{} : found->second;
}

}  // namespace millrace::client::internal
