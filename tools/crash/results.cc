#include "tools/crash/results.h"

#include "millrace/v1/pipeline_service.pb.h"

namespace millrace::crash {

absl::StatusOr<std::vector<v1::ChunkResult>> ReadAllResults(const client::Client& client, const std::string& pipeline) {
  std::vector<v1::ChunkResult> results;
  v1::PullRequest request;
  request.set_pipeline_id(pipeline);
  request.set_after(0);
  request.mutable_wait()->set_seconds(5);
  for (;;) {
    const absl::StatusOr<v1::PullResponse> page = client.Pull(request);
    if (!page.ok()) return page.status();
    results.insert(results.end(), page->results().begin(), page->results().end());
    if (page->drained()) return results;
    request.set_after(page->cursor());
  }
}

}  // namespace millrace::crash
