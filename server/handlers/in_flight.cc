#include "server/handlers/in_flight.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"

namespace millrace::handlers {
namespace {

/// What a chunk usually takes to come to its end.
constexpr absl::Duration kRunningChunksRetry = absl::Milliseconds(200);

}  // namespace

absl::Status CheckNothingInFlight(const model::JobKey& job, const Deps& deps) {
  if (!deps.leases.knows(job)) return absl::OkStatus();
  const int64_t running = deps.leases.in_flight(job);
  const std::string message = running > 0 ? absl::StrCat("job ", job.job_id, " still has ", running, " chunks running")
                                          : absl::StrCat("job ", job.job_id, " comes to its end at this moment");
  return model::WithRetryAfter(
      model::MakeError(model::Reason::kJobNotFinished, message,
                       {{"pipeline_id", job.job_id}, {"running_chunks", absl::StrCat(running)}}),
      kRunningChunksRetry);
}

}  // namespace millrace::handlers
