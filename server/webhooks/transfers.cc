#include "server/webhooks/transfers.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <utility>

namespace millrace::webhooks {
namespace {

/// Once in the life of the process, before any other call of the library.
void InitialiseCurl() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(initialised);
}

size_t TakeNothing(char*, size_t size, size_t count, void*) { return size * count; }

/// One request, with all that the library wants to find in its place until it has ended.
struct Transfer {
  explicit Transfer(model::NoticeKey key) : notice(std::move(key)) {}
  ~Transfer() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  const model::NoticeKey notice;
  CURL* const easy = curl_easy_init();
  curl_slist* headers = nullptr;
  std::string body;
  std::array<char, CURL_ERROR_SIZE> error{};
};

}  // namespace

struct Transfers::State {
  explicit State(absl::Duration timeout_) : timeout(timeout_) {}
  ~State() {
    for (const auto& [easy, transfer] : running) curl_multi_remove_handle(multi, easy);
    running.clear();
    curl_multi_cleanup(multi);
  }

  FinishedTransfer Finish(CURL* easy, CURLcode result) {
    const auto found = running.find(easy);
    const Transfer& transfer = *found->second;
    FinishedTransfer finished{.notice = transfer.notice, .status = 0, .problem = {}};
    if (result == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      finished.status = static_cast<int>(status);
    } else {
      finished.problem = transfer.error.front() != '\0' ? transfer.error.data() : curl_easy_strerror(result);
    }
    curl_multi_remove_handle(multi, easy);
    running.erase(found);
    return finished;
  }

  const absl::Duration timeout;
  CURLM* const multi = curl_multi_init();
  std::map<CURL*, std::unique_ptr<Transfer>> running;
};

Transfers::Transfers(absl::Duration timeout) : state_((InitialiseCurl(), std::make_unique<State>(timeout))) {}

Transfers::~Transfers() = default;

void Transfers::Start(const model::NoticeKey& notice, const WebhookRequest& request) {
  auto transfer = std::make_unique<Transfer>(notice);
  CURL* const easy = transfer->easy;
  transfer->body = request.body;
  for (const std::string& header : request.headers) {
    transfer->headers = curl_slist_append(transfer->headers, header.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // A name is looked up on a thread of the library's, which cannot be broken off. Without this, whoever ends the transfer
  // waits for it: one resolver that does not answer would hold up every other request, and the end of the server.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(state_->timeout)));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer->body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, TakeNothing);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error.data());
  curl_multi_add_handle(state_->multi, easy);
  state_->running.emplace(easy, std::move(transfer));
}

std::vector<FinishedTransfer> Transfers::Wait(absl::Duration duration) {
  // What has not been moved yet has no socket that could be waited for.
  int running = 0;
  curl_multi_perform(state_->multi, &running);
  if (static_cast<size_t>(running) == state_->running.size()) {
    const int64_t milliseconds = std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 0, 60'000);
    curl_multi_poll(state_->multi, nullptr, 0, static_cast<int>(milliseconds), nullptr);
    curl_multi_perform(state_->multi, &running);
  }
  std::vector<FinishedTransfer> finished;
  finished.reserve(state_->running.size() - static_cast<size_t>(running));
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(state_->multi, &left)) {
    if (message->msg == CURLMSG_DONE) finished.push_back(state_->Finish(message->easy_handle, message->data.result));
  }
  return finished;
}

void Transfers::Wake() { curl_multi_wakeup(state_->multi); }

size_t Transfers::running() const { return state_->running.size(); }

}  // namespace millrace::webhooks
