#include "client/cpp/internal/result_feed.h"

#include <utility>

namespace millrace::client::internal {
namespace {

// Results that wait to be taken. Beyond this the stream is not read, and flow control makes the server wait.
constexpr int64_t kReadAheadBytes = 4 * 1024 * 1024;

}  // namespace

ResultFeed::ResultFeed(std::unique_ptr<PullStreamCall> stream, const v1::PullStreamStart& start)
    : stream_(std::move(stream)) {
  v1::PullStreamRequest request;
  *request.mutable_start() = start;
  // Where this fails the reader hears why.
  stream_->Write(request);
  reader_ = std::thread([this] { Read(); });
}

ResultFeed::~ResultFeed() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  stream_->Cancel();
  reader_.join();
}

void ResultFeed::Read() {
  for (v1::PullStreamResponse response; stream_->Read(response);) {
    absl::MutexLock lock(&mutex_);
    if (response.has_status()) status_ = std::move(*response.mutable_status());
    drained_ = response.drained();
    if (!response.has_result()) continue;
    bytes_ += static_cast<int64_t>(response.result().ByteSizeLong());
    results_.push_back(std::move(*response.mutable_result()));
    const auto has_room = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || bytes_ < kReadAheadBytes; };
    mutex_.Await(absl::Condition(&has_room));
  }
  absl::Status status = stream_->Finish();
  absl::MutexLock lock(&mutex_);
  ended_ = std::move(status);
}

ResultFeed::Page ResultFeed::Take(int results_max, absl::Duration timeout) {
  Page page;
  absl::MutexLock lock(&mutex_);
  const auto has_news = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !results_.empty() || ended_.has_value(); };
  mutex_.AwaitWithTimeout(absl::Condition(&has_news), timeout);
  while (!results_.empty() && static_cast<int>(page.results.size()) < results_max) {
    bytes_ -= static_cast<int64_t>(results_.front().ByteSizeLong());
    page.results.push_back(std::move(results_.front()));
    results_.pop_front();
  }
  page.status = std::exchange(status_, std::nullopt);
  if (results_.empty()) {
    page.drained = drained_;
    if (page.results.empty()) page.ended = ended_;
  }
  return page;
}

void ResultFeed::Acknowledge(int64_t number) {
  v1::PullStreamRequest request;
  request.set_acknowledge(number);
  // A stream that has ended is found out by Take.
  stream_->Write(request);
}

}  // namespace millrace::client::internal
