// A server in memory behind the client's mock connection: enough of it to run files through pipelines.
#pragma once

#include <gmock/gmock.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/mocks/mock_connection.h"

namespace millrace::cli {

/// Answers what `run` and its kin call; anything else is an unexpected call. The service `demo/echo[1.0.0]` returns
/// `{"echo":RECORD}` and fails a record that holds the text `bad` with BAD_RECORD in node `check`; its summary
/// counts the records that succeed. Thread-safe.
class FakeServer : public ::testing::NiceMock<client::MockConnection> {
 public:
  FakeServer();

  /// Holds results back until `count` chunks are there, then finishes the newest first.
  void FinishInReverseEvery(int count);

  /// Answers the n-th push from now with this error, once.
  void FailPush(int n, absl::Status error);

  /// The job as it is.
  v1::Job job() const;

  /// Ids of the chunks that were stored, in the order in which they came, and how many pushes were repeats.
  std::vector<std::string> chunk_ids() const;
  int64_t duplicate_chunks() const;

  /// The records of a chunk as they were pushed.
  std::string InputOf(const std::string& chunk_id) const;

  /// The highest cursor that was acknowledged.
  int64_t acknowledged() const;

 private:
  absl::StatusOr<v1::Job> Create(const v1::CreatePipelineRequest& request);
  absl::StatusOr<v1::Job> Get(const v1::GetJobRequest& request);
  absl::StatusOr<v1::PushResponse> Accept(const v1::PushRequest& request);
  absl::StatusOr<v1::PullResponse> HandOut(const v1::PullRequest& request, const client::CallOptions& options);
  absl::StatusOr<v1::Job> CloseInput();
  void FinishPending() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::PipelineStatus Status() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  bool exists_ ABSL_GUARDED_BY(mutex_) = false;
  v1::Job job_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::Chunk> chunks_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> order_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> pending_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::ChunkResult> results_ ABSL_GUARDED_BY(mutex_);
  int64_t duplicates_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t failed_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  int finish_every_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<int, absl::Status> push_failures_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::cli
