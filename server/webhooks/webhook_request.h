// What a webhook is sent: a body of JSON and headers, in the manner of the Standard Webhooks, so that receivers can check the
// signature with a library that they have. docs/WEBHOOKS.md describes it for those who write receivers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/notice.h"

namespace millrace::webhooks {

/// One POST.
struct WebhookRequest {
  std::string url;
  /// `name: value`, each.
  std::vector<std::string> headers;
  std::string body;
};

/// `job.ended`, `job.paused` or `job.first_exception`.
std::string_view TypeOf(const model::JobEvent& event);

/// The same at each attempt.
std::string MakeBody(const model::Notice& notice);

/// The value of `webhook-signature`: `v1,` and the HMAC-SHA256 over `ID.TIMESTAMP.BODY` as base64.
std::string Sign(std::string_view secret, std::string_view id, std::string_view timestamp, std::string_view body);

/// An attempt at `now`. `secret` is null where the webhook wants no signature.
WebhookRequest MakeRequest(const model::Notice& notice, const std::string* secret, absl::Time now);

}  // namespace millrace::webhooks
