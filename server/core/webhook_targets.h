// Where webhooks may lead, and the secrets that sign what they are told: from a file that `millraced --webhooks` names.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/core/http_url.h"
#include "storage/model/job.h"

namespace millrace::core {

/// Constant after construction, thread-safe.
class WebhookTargets {
 public:
  /// No webhook leads anywhere.
  WebhookTargets() = default;

  /// Reads a file of YAML.
  ///
  ///     allow: [https://hooks.example.org/millrace]
  ///     secrets: {ops: OPS_WEBHOOK_SECRET}
  ///     default: {url: https://hooks.example.org/millrace/jobs, events: [ended, paused], secret: ops}
  ///
  /// `allow` is required: the URLs that webhooks may call, and all below them. `secrets` names the variables of the
  /// environment that hold them, which must be set; one that begins with `whsec_` is base64 behind that, any other is
  /// taken as it is. `default` is the webhook of each job that is created without one. The error names file, line and field.
  static absl::StatusOr<WebhookTargets> Read(const std::filesystem::path& file);

  bool empty() const { return allowed_.empty(); }

  /// OK where the URL may be called. Otherwise the message says what is wrong with it.
  absl::Status Check(std::string_view url) const;

  /// Null where there is none of this name.
  const std::string* FindSecret(std::string_view name) const;

  /// `ops, sales`: for messages.
  std::string SecretNames() const;

  /// Of a job that is created without one; without a URL: none.
  const model::Webhook& fallback() const { return fallback_; }

 private:
  friend class WebhookTargetsReader;

  std::vector<HttpUrl> allowed_;
  /// Never logged, stored or put into a message.
  std::map<std::string, std::string, std::less<>> secrets_;
  model::Webhook fallback_;
};

/// Makes the webhook tell of an event by its name: `ended`, `paused` or `first_exception`. False for any other name.
bool AddEvent(std::string_view name, model::Webhook& webhook);

}  // namespace millrace::core
