#include "tests/tools/millrace/fake_server.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cpp/errors.h"

namespace millrace::cli {
namespace {

using ::testing::_;
using ::testing::Invoke;

absl::Status ServerError(absl::StatusCode code, std::string_view message, v1::ErrorReason reason) {
  client::ErrorDetails details;
  details.reason = reason;
  return client::MakeServerError(code, message, details);
}

v1::ChunkResult ResultOf(const v1::Chunk& chunk) {
  v1::ChunkResult result;
  result.set_chunk_id(chunk.id());
  std::string outputs;
  for (const auto line : absl::StrSplit(chunk.data().inputs().json_lines(), '\n', absl::SkipEmpty())) {
    const std::string record(line);
    if (record.find("bad") == std::string::npos) {
      absl::StrAppend(&outputs, R"({"echo":)", record, "}\n");
    } else {
      outputs += "null\n";
      v1::RecordError& error = *result.add_errors();
      error.set_index(result.record_count());
      error.set_node("check");
      error.set_code("BAD_RECORD");
      error.set_message("the record is bad");
      result.set_failed_count(result.failed_count() + 1);
    }
    result.set_record_count(result.record_count() + 1);
  }
  result.set_json_lines(outputs);
  for (const v1::Aggregation& aggregation : chunk.data().summary().aggregations()) {
    v1::SummaryValue& value = *result.add_summary();
    value.set_output_name(aggregation.output_name());
    value.set_operator_(aggregation.operator_());
    value.set_count(result.record_count() - result.failed_count());
    value.set_value(static_cast<double>(value.count()));
  }
  return result;
}

}  // namespace

FakeServer::FakeServer() {
  ON_CALL(*this, CreatePipeline).WillByDefault([this](const auto& request, const auto&) { return Create(request); });
  ON_CALL(*this, GetJob).WillByDefault([this](const auto& request, const auto&) { return Get(request); });
  ON_CALL(*this, Push).WillByDefault([this](const auto& request, const auto&) { return Accept(request); });
  ON_CALL(*this, Pull).WillByDefault([this](const auto& request, const auto& options) {
    return HandOut(request, options);
  });
  ON_CALL(*this, ClosePipeline).WillByDefault([this](const auto&, const auto&) { return CloseInput(); });
  ON_CALL(*this, Acknowledge).WillByDefault([this](const v1::AcknowledgeRequest& request, const auto&) {
    absl::MutexLock lock(&mutex_);
    acknowledged_ = std::max(acknowledged_, request.cursor());
    return v1::AcknowledgeResponse();
  });
  ON_CALL(*this, GetServiceVersion).WillByDefault([](const auto&, const auto&) {
    v1::ServiceVersion version;
    version.add_outputs("echo");
    return version;
  });
  ON_CALL(*this, ListExceptionGroups).WillByDefault([this](const auto&, const auto&) {
    absl::MutexLock lock(&mutex_);
    v1::ListExceptionGroupsResponse response;
    v1::ExceptionGroup& group = *response.add_groups();
    group.set_code("BAD_RECORD");
    group.set_node("check");
    group.set_normalised_message("the record is bad");
    group.set_fingerprint("00000000000000aa");
    group.set_count(failed_);
    return response;
  });
}

void FakeServer::FinishInReverseEvery(int count) {
  absl::MutexLock lock(&mutex_);
  finish_every_ = count;
}

void FakeServer::FailPush(int n, absl::Status error) {
  absl::MutexLock lock(&mutex_);
  push_failures_[n] = std::move(error);
}

v1::Job FakeServer::job() const {
  absl::MutexLock lock(&mutex_);
  return job_;
}

std::vector<std::string> FakeServer::chunk_ids() const {
  absl::MutexLock lock(&mutex_);
  return order_;
}

int64_t FakeServer::duplicate_chunks() const {
  absl::MutexLock lock(&mutex_);
  return duplicates_;
}

std::string FakeServer::InputOf(const std::string& chunk_id) const {
  absl::MutexLock lock(&mutex_);
  return chunks_.at(chunk_id).data().inputs().json_lines();
}

int64_t FakeServer::acknowledged() const {
  absl::MutexLock lock(&mutex_);
  return acknowledged_;
}

absl::StatusOr<v1::Job> FakeServer::Create(const v1::CreatePipelineRequest& request) {
  absl::MutexLock lock(&mutex_);
  if (request.service() != "demo/echo") {
    return ServerError(absl::StatusCode::kNotFound, "no service " + request.service(), v1::SERVICE_NOT_FOUND);
  }
  if (exists_) return ServerError(absl::StatusCode::kAlreadyExists, "the id is taken", v1::PIPELINE_ID_TAKEN);
  exists_ = true;
  job_.set_id(request.pipeline_id());
  job_.set_service("demo/echo");
  job_.set_service_uri("demo/echo[1.0.0]");
  job_.set_version_id("version-1");
  job_.set_state(v1::JOB_STATE_CREATED);
  job_.set_pipeline_state(v1::PIPELINE_STATE_OPEN);
  *job_.mutable_parameters() = request.parameters();
  *job_.mutable_metadata() = request.metadata();
  return job_;
}

absl::StatusOr<v1::Job> FakeServer::Get(const v1::GetJobRequest& request) {
  absl::MutexLock lock(&mutex_);
  if (exists_ && request.job_id() == job_.id()) return job_;
  return ServerError(absl::StatusCode::kNotFound, "no pipeline " + request.job_id(), v1::PIPELINE_NOT_FOUND);
}

absl::StatusOr<v1::PushResponse> FakeServer::Accept(const v1::PushRequest& request) {
  absl::MutexLock lock(&mutex_);
  std::map<int, absl::Status> later;
  absl::Status failure;
  for (auto& [n, error] : push_failures_) {
    if (n == 1) {
      failure = error;
    } else {
      later[n - 1] = error;
    }
  }
  push_failures_ = std::move(later);
  if (!failure.ok()) return failure;
  v1::PushResponse response;
  for (const v1::Chunk& chunk : request.chunks()) {
    const auto found = chunks_.find(chunk.id());
    const bool is_duplicate = found != chunks_.end();
    if (is_duplicate && found->second.SerializeAsString() != chunk.SerializeAsString()) {
      return ServerError(absl::StatusCode::kAlreadyExists, "chunk " + chunk.id() + " has other bytes",
                         v1::CHUNK_ID_TAKEN);
    }
    if (!is_duplicate && job_.pipeline_state() == v1::PIPELINE_STATE_CLOSED) {
      return ServerError(absl::StatusCode::kFailedPrecondition, "the pipeline is closed", v1::PIPELINE_CLOSED);
    }
    if (is_duplicate) {
      ++duplicates_;
    } else {
      chunks_[chunk.id()] = chunk;
      order_.push_back(chunk.id());
      pending_.push_back(chunk.id());
    }
    v1::PushedChunk& pushed = *response.add_chunks();
    pushed.set_id(chunk.id());
    pushed.set_duplicate(is_duplicate);
    pushed.set_record_count(ResultOf(chunk).record_count());
  }
  if (static_cast<int>(pending_.size()) >= finish_every_) FinishPending();
  *response.mutable_status() = Status();
  return response;
}

void FakeServer::FinishPending() {
  for (; !pending_.empty(); pending_.pop_back()) {
    v1::ChunkResult result = ResultOf(chunks_[pending_.back()]);
    result.set_number(static_cast<int64_t>(results_.size()) + 1);
    failed_ += result.failed_count();
    results_.push_back(std::move(result));
  }
}

absl::StatusOr<v1::PullResponse> FakeServer::HandOut(const v1::PullRequest& request,
                                                     const client::CallOptions& options) {
  absl::MutexLock lock(&mutex_);
  const int64_t after = request.has_after() ? request.after() : acknowledged_;
  acknowledged_ = std::max(acknowledged_, after);
  const auto has_news = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int64_t>(results_.size()) > after || job_.pipeline_state() == v1::PIPELINE_STATE_CLOSED ||
           options.stop.stop_requested();
  };
  // Answers as soon as there is something to say; the limit is so short because a stop wakes nobody.
  mutex_.AwaitWithTimeout(absl::Condition(&has_news), absl::Milliseconds(20));
  if (options.stop.stop_requested()) return absl::CancelledError("stopped by the caller");
  v1::PullResponse response;
  for (const v1::ChunkResult& result : results_) {
    if (result.number() > after && response.results_size() < request.max_chunks()) *response.add_results() = result;
  }
  response.set_cursor(after + response.results_size());
  response.set_drained(job_.pipeline_state() == v1::PIPELINE_STATE_CLOSED &&
                       response.cursor() == static_cast<int64_t>(results_.size()));
  *response.mutable_status() = Status();
  return response;
}

absl::StatusOr<v1::Job> FakeServer::CloseInput() {
  absl::MutexLock lock(&mutex_);
  FinishPending();
  job_.set_pipeline_state(v1::PIPELINE_STATE_CLOSED);
  job_.set_state(v1::JOB_STATE_COMPLETED);
  job_.set_outcome(failed_ == 0 ? v1::OUTCOME_SUCCEEDED : v1::OUTCOME_PARTIAL);
  return job_;
}

v1::PipelineStatus FakeServer::Status() const {
  v1::PipelineStatus status;
  status.set_pipeline_id(job_.id());
  status.set_state(job_.state());
  status.set_pipeline_state(job_.pipeline_state());
  return status;
}

}  // namespace millrace::cli
