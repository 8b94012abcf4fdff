#include "server/handlers/ending_options.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "server/handlers/option_reader.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

void ReadEvents(OptionReader& reader, const v1::Webhook& request, model::Webhook& webhook) {
  reader.Check(request.events_size() <= model::kWebhookEventsMax, "webhook.events",
               absl::StrCat("expected at most ", model::kWebhookEventsMax));
  webhook.tells_end = request.events().empty();
  for (int i = 0; i < request.events_size(); ++i) {
    switch (request.events(i)) {
      case v1::WEBHOOK_EVENT_ENDED:
        webhook.tells_end = true;
        break;
      case v1::WEBHOOK_EVENT_PAUSED:
        webhook.tells_pause = true;
        break;
      case v1::WEBHOOK_EVENT_FIRST_EXCEPTION:
        webhook.tells_first_exception = true;
        break;
      default:
        reader.Check(false, absl::StrCat("webhook.events[", i, "]"), "expected ENDED, PAUSED or FIRST_EXCEPTION");
    }
  }
}

void ReadWebhook(OptionReader& reader, const v1::Webhook& request, const core::WebhookTargets* targets,
                 model::Webhook& webhook) {
  if (request.url().empty()) {
    reader.Check(request.events().empty() && request.secret().empty(), "webhook.url", "expected the URL to be called");
    return;
  }
  if (targets == nullptr || targets->empty()) {
    return reader.Fail(model::MakeError(model::Reason::kWebhooksNotEnabled,
                                        "this server calls no webhooks: it was started without --webhooks"));
  }
  const absl::Status allowed = targets->Check(request.url());
  reader.Check(allowed.ok(), "webhook.url", std::string(allowed.message()));
  webhook.url = request.url();
  const std::string& secret = request.secret();
  reader.Check(secret.empty() || targets->FindSecret(secret) != nullptr, "webhook.secret",
               absl::StrCat("the server has no secret of this name; it has ",
                            targets->SecretNames().empty() ? "none" : targets->SecretNames()));
  webhook.secret = secret;
  ReadEvents(reader, request, webhook);
}

void ReadRetention(OptionReader& reader, const v1::JobOptions& request, const ServerInfo& server,
                   model::JobOptions& options) {
  options.drop_unresolved_exceptions = request.drop_unresolved_exceptions();
  options.retention = server.retention;
  // Zero stands for ever, below the shortest time that can be chosen.
  if (request.has_retention() && request.retention().seconds() == 0 && request.retention().nanos() == 0) {
    options.retention = absl::ZeroDuration();
  } else {
    reader.Duration("retention", request.has_retention(), request.retention(), model::kRetentionMin,
                    model::kRetentionMax, options.retention);
  }
}

}  // namespace

absl::Status ReadEndingOptions(std::string_view path, const v1::JobOptions& request, const Deps& deps,
                               model::JobOptions& options) {
  OptionReader reader(path);
  if (request.has_webhook()) {
    ReadWebhook(reader, request.webhook(), deps.webhooks, options.webhook);
  } else if (deps.webhooks != nullptr) {
    options.webhook = deps.webhooks->fallback();
  }
  ReadRetention(reader, request, deps.server, options);
  return reader.status();
}

}  // namespace millrace::handlers
