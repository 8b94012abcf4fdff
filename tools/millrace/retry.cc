#include "tools/millrace/retry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/millrace/human.h"

namespace millrace::cli {
namespace {

void Add(const v1::RetryJobResponse& part, v1::RetryJobResponse& all) {
  *all.mutable_job() = part.job();
  all.set_failed_record_count(all.failed_record_count() + part.failed_record_count());
  all.set_completed_record_count(all.completed_record_count() + part.completed_record_count());
  all.set_passed_over_count(all.passed_over_count() + part.passed_over_count());
  // The first part does it; each part of a preview says so.
  all.set_taken_up_chunk_count(std::max(all.taken_up_chunk_count(), part.taken_up_chunk_count()));
  all.set_taken_up_record_count(std::max(all.taken_up_record_count(), part.taken_up_record_count()));
  all.set_more(part.more());
}

}  // namespace

void AddRetryOptions(CLI::App* command, RetryOptions& options) {
  command->add_flag("--allow-cancelled", options.allow_cancelled,
                    "Take up a job that failed or was cancelled, with what it left");
  CLI::Option* preview = command->add_flag("--preview", options.preview, "Only count them");
  command->add_option("--note", options.note, "Why; kept with what is run again")->type_name("TEXT");
  AddWaitOptions(command, options.wait)->excludes(preview);
}

v1::RetryJobRequest RetryRequestOf(const std::string& job_id, const std::string& group, const RetryOptions& options) {
  v1::RetryJobRequest request;
  request.set_job_id(job_id);
  if (group.empty()) {
    request.set_failed(true);
  } else {
    request.set_fingerprint(group);
  }
  request.set_allow_cancelled(options.allow_cancelled);
  request.set_preview(options.preview);
  request.set_note(options.note);
  return request;
}

absl::StatusOr<v1::RetryJobResponse> RetryAll(const client::Client& client, v1::RetryJobRequest request,
                                              const client::CallOptions& call) {
  // A preview moves on among chunks alone: what failed would be counted again.
  const bool goes_on = !request.preview() || request.has_config_hash() || request.has_other_code_than_job();
  v1::RetryJobResponse all;
  do {
    const auto part = client.RetryJob(request, call);
    if (!part.ok()) return part.status();
    Add(*part, all);
    if (request.has_ids()) {
      // Each part is asked for all of them, and passes over what the parts before have taken.
      all.set_passed_over_count(part->passed_over_count() + part->failed_record_count() - all.failed_record_count());
    } else {
      request.set_up_to_sequence(part->up_to_sequence());
      request.set_after_sequence(part->after_sequence());
    }
    // A job that fails meanwhile is not taken up a second time.
    if (!request.preview()) request.set_allow_cancelled(false);
  } while (all.more() && goes_on);
  return all;
}

std::string DescribeRetry(const v1::RetryJobResponse& retried, bool preview, const char* record) {
  const int64_t count = retried.failed_record_count() + retried.completed_record_count();
  const char* verb = count == 1 ? " is run again" : " are run again";
  std::string text = absl::StrCat(HumanCount(count, record), preview ? " would be run again" : verb);
  if (retried.completed_record_count() > 0) {
    absl::StrAppend(&text, ", ", HumanCount(retried.completed_record_count()), " of them had succeeded");
  }
  if (retried.passed_over_count() > 0) {
    absl::StrAppend(&text, ", ", HumanCount(retried.passed_over_count()), " passed over");
  }
  if (retried.taken_up_chunk_count() == 0) return text;
  return absl::StrCat(text, "; ", HumanCount(retried.taken_up_chunk_count(), "skipped chunk"),
                      preview ? " would run" : " will run", ", with ",
                      HumanCount(retried.taken_up_record_count(), record), " that never ran");
}

absl::StatusOr<ExitCode> RetryOne(Session& session, const client::Client& client, const v1::RetryJobRequest& request,
                                  const WaitOptions& wait, const RetryOutput& output) {
  absl::StatusOr<v1::RetryJobResponse> retried = RetryAll(client, request, session.call());
  if (!retried.ok()) return During(absl::StrCat("the ", output.record, "s are not run again"), retried.status());
  if (retried->more()) session.err() << "and more: only the first are counted\n";
  if (session.json()) {
    return PrintOrWait(session, retried->job(), wait, [&](const v1::Job& job) {
      *retried->mutable_job() = job;
      session.PrintJson(*retried);
      return absl::OkStatus();
    });
  }
  session.out() << DescribeRetry(*retried, request.preview(), output.record) << std::endl;
  return wait.wait ? PrintOrWait(session, retried->job(), wait, output.print) : ExitCode::kOk;
}

}  // namespace millrace::cli
