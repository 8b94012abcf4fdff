// `jobs retry`: runs records of one job again, or of many.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/millrace/bulk_change.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

struct RetryOptions {
  BulkOptions jobs;
  std::string group;
  std::string config_hash;
  bool failed = false;
  bool other_code = false;
  bool allow_cancelled = false;
  bool preview = false;
  std::string note;
  bool wait = false;
  bool allow_exceptions = false;
};

// A full input buffer empties while the job runs.
constexpr absl::Duration kRetryFor = absl::Minutes(10);

/// What the parts of a retry come to.
struct Retried {
  int64_t failed = 0;
  int64_t completed = 0;
  int64_t passed_over = 0;
  int64_t taken_up_chunks = 0;
  int64_t taken_up_records = 0;

  void Add(const v1::RetryJobResponse& part) {
    failed += part.failed_record_count();
    completed += part.completed_record_count();
    passed_over += part.passed_over_count();
    // The first part does it; each part of a preview says so.
    taken_up_chunks = std::max(taken_up_chunks, part.taken_up_chunk_count());
    taken_up_records = std::max(taken_up_records, part.taken_up_record_count());
  }
};

v1::RetryJobRequest RequestOf(const RetryOptions& options, const std::string& id) {
  v1::RetryJobRequest request;
  request.set_job_id(id);
  request.set_note(options.note);
  request.set_preview(options.preview);
  request.set_allow_cancelled(options.allow_cancelled);
  if (!options.group.empty()) {
    request.set_fingerprint(options.group);
  } else if (!options.config_hash.empty()) {
    request.set_config_hash(options.config_hash);
  } else if (options.other_code) {
    request.set_other_code_than_job(true);
  } else {
    request.set_failed(true);
  }
  return request;
}

/// Asks for part after part, until there is none.
absl::StatusOr<Retried> RetryAll(Session& session, const client::Client& client, const RetryOptions& options,
                                 const std::string& id) {
  v1::RetryJobRequest request = RequestOf(options, id);
  // A preview moves on among chunks alone: what failed would be counted again.
  const bool goes_on = !options.preview || request.has_config_hash() || request.has_other_code_than_job();
  Retried all;
  bool more = true;
  while (more) {
    const auto part = client.RetryJob(request, session.call());
    if (!part.ok()) return part.status();
    all.Add(*part);
    more = part->more() && goes_on;
    if (part->more() && !goes_on) session.err() << "and more: only the first are counted\n";
    request.set_up_to_sequence(part->up_to_sequence());
    request.set_after_sequence(part->after_sequence());
    // A job that fails meanwhile is not taken up a second time.
    if (!options.preview) request.set_allow_cancelled(false);
  }
  return all;
}

std::string Describe(const Retried& all, bool preview) {
  std::string text = absl::StrCat(HumanCount(all.failed + all.completed),
                                  preview ? " records would be run again" : " records are run again");
  if (all.completed > 0) absl::StrAppend(&text, ", ", HumanCount(all.completed), " of them had succeeded");
  if (all.passed_over > 0) absl::StrAppend(&text, ", ", HumanCount(all.passed_over), " passed over");
  if (all.taken_up_chunks == 0) return text;
  return absl::StrCat(text, "; ", HumanCount(all.taken_up_chunks), " chunks that were skipped ",
                      preview ? "would go on" : "go on", ", with ", HumanCount(all.taken_up_records),
                      " records that never ran");
}

absl::StatusOr<ExitCode> RetryOne(Session& session, const RetryOptions& options) {
  const auto client = session.Connect(kRetryFor);
  if (!client.ok()) return client.status();
  const absl::StatusOr<Retried> all = RetryAll(session, *client, options, options.jobs.id);
  if (!all.ok()) return During("the records are not run again", all.status());
  if (session.json()) {
    session.PrintJson(JsonObject({{"recordCount", absl::StrCat(all->failed + all->completed)},
                                  {"completedCount", absl::StrCat(all->completed)},
                                  {"skippedCount", absl::StrCat(all->passed_over)},
                                  {"takenUpChunkCount", absl::StrCat(all->taken_up_chunks)},
                                  {"takenUpRecordCount", absl::StrCat(all->taken_up_records)}}));
  } else {
    session.out() << Describe(*all, options.preview) << std::endl;
  }
  return options.wait ? WatchUntilEnd(session, options.jobs.id, options.allow_exceptions) : ExitCode::kOk;
}

absl::StatusOr<ExitCode> Retry(Session& session, const RetryOptions& options) {
  if (absl::Status checked = CheckBulkOptions(options.jobs); !checked.ok()) return checked;
  if (!options.jobs.all_matching) return RetryOne(session, options);
  if (options.wait) return UsageError("--wait is for one job; `jobs watch` shows each");
  if (!options.group.empty()) return UsageError("--group is for one job: another one has other groups");
  BulkOptions jobs = options.jobs;
  jobs.preview = options.preview;
  std::vector<v1::JobState> states = {v1::JOB_STATE_IN_PROGRESS, v1::JOB_STATE_PAUSED,
                                      v1::JOB_STATE_CLOSED,      v1::JOB_STATE_CLOSED_BY_TIMEOUT,
                                      v1::JOB_STATE_COMPLETED,   v1::JOB_STATE_COMPLETED_BY_TIMEOUT};
  if (options.allow_cancelled) states.insert(states.end(), {v1::JOB_STATE_FAILED, v1::JOB_STATE_CANCELLED});
  return ChangeMatching(
      session, jobs,
      {.verb = "retry",
       .done = "retried",
       .states = states,
       .change = [&](const client::Client& client, const std::string& id) -> absl::StatusOr<std::string> {
         const absl::StatusOr<Retried> all = RetryAll(session, client, options, id);
         return all.ok() ? absl::StatusOr<std::string>(Describe(*all, /*preview=*/false)) : all.status();
       }});
}

}  // namespace

void AddRetryCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<RetryOptions>();
  CLI::App* retry = tree.AddCommand(
      jobs, "retry", "Run records of a job again, under its present version: those that failed, unless told otherwise",
      "millrace jobs retry 01h2xcejqtf2nbrexx3vqjhp41 --preview\n"
      "millrace jobs retry 01h2xcejqtf2nbrexx3vqjhp41 --wait --note 'prices are there'\n"
      "# all that ran before `jobs update --service-version`, also what succeeded\n"
      "millrace jobs retry 01h2xcejqtf2nbrexx3vqjhp41 --other-code --wait\n"
      "# a job that was cancelled goes on where it stopped\n"
      "millrace jobs retry 01h2xcejqtf2nbrexx3vqjhp41 --allow-cancelled --wait\n"
      "# some of those that failed: millrace exceptions reprocess\n"
      "millrace jobs retry --all-matching --service pricing/swap --since 24h --rate 1");
  CLI::Option_group* which = retry->add_option_group("which");
  which->add_flag("--failed", options->failed, "Every record that failed; this is what happens without any of these");
  which->add_option("--group", options->group, "Those of a group, as `exceptions groups` names it")->type_name("GROUP");
  which
      ->add_option("--chunks-with-hash", options->config_hash,
                   "What ran under this config hash, as `jobs chunks` names it, whole: also what succeeded")
      ->type_name("HASH");
  which->add_flag("--other-code", options->other_code,
                  "The same for all that ran under other code than the job has now");
  which->require_option(0, 1);
  retry->add_flag("--allow-cancelled", options->allow_cancelled,
                  "Take up a job that failed or was cancelled, with what it left");
  auto* preview = retry->add_flag("--preview", options->preview, "Only count them");
  retry->add_option("--note", options->note, "Why; kept with what is run again")->type_name("TEXT");
  auto* wait = retry->add_flag("--wait", options->wait, "Wait until the job has ended, and show what happens")
                   ->excludes(preview);
  retry->add_flag("--allow-exceptions", options->allow_exceptions, "End with exit code 0 although records fail again")
      ->needs(wait);
  AddBulkOptions(retry, options->jobs, /*with_preview=*/false);
  tree.OnRun(retry, options, &Retry);
}

}  // namespace millrace::cli
