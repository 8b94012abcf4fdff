#include "server/handlers/in_flight.h"

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"

namespace millrace::handlers {
namespace {

/// What a chunk usually takes to come to its end.
constexpr absl::Duration kRunningChunksRetry = absl::Milliseconds(200);

}  // namespace

absl::Status CheckNothingInFlight(const model::JobKey& job, const Deps& deps) {
  const int64_t running = deps.leases.in_flight(job);
  if (running == 0) return absl::OkStatus();
  return model::WithRetryAfter(
      model::MakeError(model::Reason::kJobNotFinished,
                       absl::StrCat("job ", job.job_id, " still has ", running, " chunks running"),
                       {{"pipeline_id", job.job_id}, {"running_chunks", absl::StrCat(running)}}),
      kRunningChunksRetry);
}

}  // namespace millrace::handlers
