// HTTP requests that are on their way side by side, without a thread of their own. The only file that knows libcurl.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/webhooks/webhook_request.h"
#include "storage/model/notice.h"

namespace millrace::webhooks {

/// How a request ended.
struct FinishedTransfer {
  model::NoticeKey notice;
  /// Of HTTP; 0: there was no answer, and `problem` says why.
  int status = 0;
  std::string problem;
};

/// For one thread, but for Wake.
class Transfers {
 public:
  /// A request that takes longer than `timeout`, from name to answer, fails.
  explicit Transfers(absl::Duration timeout);
  /// Breaks off what is on its way.
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  /// Begins a POST. Redirects are not followed; what the answer holds is not looked at.
  void Start(const model::NoticeKey& notice, const WebhookRequest& request);

  /// Moves what is on its way, and waits at most so long for something to happen, or for Wake. Returns what has ended.
  std::vector<FinishedTransfer> Wait(absl::Duration duration);

  /// Ends a Wait, or the next one. For any thread.
  void Wake();

  size_t running() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace millrace::webhooks
