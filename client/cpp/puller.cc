#include "client/cpp/puller.h"

#include <utility>

#include "client/cpp/internal/status_details.h"

namespace millrace::client {

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
  status_ = std::move(*response->mutable_status());
  if (options_.on_status) options_.on_status(status_);
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
  status_ = std::move(*response->mutable_status());
  if (options_.on_status) options_.on_status(status_);
  return absl::OkStatus();
}

}  // namespace millrace::client
