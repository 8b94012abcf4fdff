#include "client/cpp/puller.h"

#include <algorithm>
#include <utility>

#include "client/cpp/internal/result_feed.h"
#include "client/cpp/internal/status_details.h"

namespace millrace::client {
namespace {

// The widest window of a PullStream.
constexpr int kWindowMax = 1'000;

}  // namespace

absl::Status Validate(const PullerOptions& options) {
  if (options.after.has_value() && *options.after < 0) return internal::OptionError("after", "must not be negative");
  if (options.page_size < 1 || options.page_size > 1000) {
    return internal::OptionError("page_size", "must be 1 to 1,000");
  }
  if (options.wait < absl::Milliseconds(1) || options.wait > absl::Seconds(60)) {
    return internal::OptionError("wait", "must be 1 ms to 60 s");
  }
  return absl::OkStatus();
}

Puller::Puller(Client client, std::string pipeline_id, PullerOptions options)
    : client_(std::move(client)),
      pipeline_id_(std::move(pipeline_id)),
      options_(std::move(options)),
      cursor_(options_.after.value_or(0)),
      positioned_(options_.after.has_value()) {}

Puller::~Puller() = default;
Puller::Puller(Puller&&) noexcept = default;

CallOptions Puller::Call() const { return {.stop = options_.stop}; }

absl::StatusOr<std::optional<v1::ChunkResult>> Puller::Next() {
  while (page_.empty()) {
    if (drained_) {
      if (options_.acknowledge == AcknowledgeMode::kAutomatic && acknowledged_ < cursor_) {
        if (absl::Status status = Acknowledge(); !status.ok()) return status;
      }
      return std::nullopt;
    }
    if (options_.acknowledge == AcknowledgeMode::kExplicit && acknowledged_ < cursor_) {
      return absl::FailedPreconditionError("acknowledge the results of this page before the next one");
    }
    if (absl::Status status = LoadPage(); !status.ok()) return status;
  }
  v1::ChunkResult result = std::move(page_.front());
  page_.pop_front();
  cursor_ = result.number();
  return result;
}

absl::Status Puller::LoadPage() {
  if (streams_) {
    const absl::StatusOr<bool> loaded = LoadStreamedPage();
    if (!loaded.ok()) return loaded.status();
    if (*loaded) return absl::OkStatus();
  }
  return LoadPulledPage();
}

absl::StatusOr<bool> Puller::LoadStreamedPage() {
  if (feed_ == nullptr) {
    v1::PullStreamStart start;
    start.set_pipeline_id(pipeline_id_);
    if (positioned_) start.set_after(cursor_);
    start.set_encoding(options_.encoding);
    start.set_follow(true);
    // While one page is read the next one comes.
    start.set_window(std::min(2 * options_.page_size, kWindowMax));
    feed_ = std::make_unique<internal::ResultFeed>(client_.PullStream(Call()), start);
  } else if (cursor_ > 0) {
    feed_->Acknowledge(cursor_);
  }
  internal::ResultFeed::Page page = feed_->Take(options_.page_size, options_.wait);
  if (page.ended.has_value() && !page.ended->ok()) {
    streams_ = !absl::IsUnimplemented(*page.ended);
    feed_ = nullptr;
    return false;
  }
  if (page.results.empty() && !page.drained) {
    if (page.ended.has_value()) {
      // The server has ended the stream in good order before the pipeline was drained.
      feed_ = nullptr;
      return false;
    }
    v1::GetPipelineStatusRequest request;
    request.set_pipeline_id(pipeline_id_);
    absl::StatusOr<v1::PipelineStatus> status = client_.GetPipelineStatus(request, Call());
    if (!status.ok()) return status.status();
    Heard(*std::move(status));
    return true;
  }
  if (!positioned_) {
    positioned_ = true;
    cursor_ = page.results.empty() ? page.status.value_or(v1::PipelineStatus()).acknowledged_result()
                                   : page.results.front().number() - 1;
    acknowledged_ = cursor_;
  }
  page_ = std::move(page.results);
  drained_ = page.drained;
  Heard(page.status.has_value() ? *std::move(page.status) : v1::PipelineStatus(status_));
  return true;
}

void Puller::Heard(v1::PipelineStatus status) {
  status_ = std::move(status);
  if (options_.on_status) options_.on_status(status_);
}

absl::Status Puller::LoadPulledPage() {
  v1::PullRequest request;
  request.set_pipeline_id(pipeline_id_);
  request.set_max_chunks(options_.page_size);
  request.set_encoding(options_.encoding);
  const int64_t wait_ns = absl::ToInt64Nanoseconds(options_.wait);
  request.mutable_wait()->set_seconds(wait_ns / 1'000'000'000);
  request.mutable_wait()->set_nanos(static_cast<int32_t>(wait_ns % 1'000'000'000));
  // Acknowledges the page before, and is what makes a second attempt return the same results.
  if (positioned_) request.set_after(cursor_);

  absl::StatusOr<v1::PullResponse> response = client_.Pull(request, Call());
  if (!response.ok()) return response.status();
  if (!positioned_) {
    positioned_ = true;
    cursor_ = response->results().empty() ? response->cursor() : response->results(0).number() - 1;
  }
  acknowledged_ = cursor_;
  drained_ = response->drained();
  for (v1::ChunkResult& result : *response->mutable_results()) page_.push_back(std::move(result));
  Heard(std::move(*response->mutable_status()));
  return absl::OkStatus();
}

absl::Status Puller::Acknowledge() {
  if (acknowledged_ >= cursor_) return absl::OkStatus();
  v1::AcknowledgeRequest request;
  request.set_pipeline_id(pipeline_id_);
  request.set_cursor(cursor_);
  absl::StatusOr<v1::AcknowledgeResponse> response = client_.Acknowledge(request, Call());
  if (!response.ok()) return response.status();
  acknowledged_ = cursor_;
  Heard(std::move(*response->mutable_status()));
  return absl::OkStatus();
}

}  // namespace millrace::client
