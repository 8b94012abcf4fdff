// Commands that hold a job, let it go on, and change how it does.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/millrace/bulk_change.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/pipeline_options.h"
#include "tools/millrace/render.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

constexpr char kIdHelp[] = "The job, or its pipeline: the ids are the same";

template <typename Request>
using JobCall = absl::StatusOr<v1::Job> (client::Client::*)(const Request&, const client::CallOptions&) const;

/// A request, and the jobs that it is made for.
template <typename Request>
struct ChangeOptions {
  Request request;
  BulkOptions jobs;
};

template <typename Request>
void SetJob(Request& request, const std::string& id) {
  request.set_job_id(id);
}
void SetJob(v1::CancelPipelineRequest& request, const std::string& id) { request.set_pipeline_id(id); }

/// A call that changes a job. `verb` is what could not be done, `done` what was; over many jobs it is made for those in
/// `states` alone.
template <typename Request>
struct ChangeVerb {
  JobCall<Request> call;
  const char* verb;
  const char* done;
  std::vector<v1::JobState> states;
};

/// One line about what became of a job, or the job as JSON.
ExitCode PrintChanged(Session& session, const char* done, const v1::Job& job) {
  if (session.json()) {
    session.PrintJson(job);
  } else {
    session.out() << done << " " << job.id() << ": " << DescribeState(job.state(), job.outcome()) << "\n";
  }
  return ExitCode::kOk;
}

/// Makes the call, and prints what became of the job in one line; or for all jobs that match.
template <typename Request>
absl::StatusOr<ExitCode> Change(Session& session, const ChangeOptions<Request>& options,
                                const ChangeVerb<Request>& verb) {
  if (absl::Status checked = CheckBulkOptions(options.jobs); !checked.ok()) return checked;
  const auto change = [&](const client::Client& client, const std::string& id) {
    Request request = options.request;
    SetJob(request, id);
    return (client.*verb.call)(request, session.call());
  };
  if (options.jobs.all_matching) {
    return ChangeMatching(
        session, options.jobs,
        {.verb = verb.verb,
         .done = verb.done,
         .states = verb.states,
         .change = [&](const client::Client& client, const std::string& id) -> absl::StatusOr<std::string> {
           const absl::StatusOr<v1::Job> job = change(client, id);
           if (!job.ok()) return job.status();
           return DescribeState(job->state(), job->outcome());
         }});
  }
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto job = change(*client, options.jobs.id);
  if (!job.ok()) return During(absl::StrCat("cannot ", verb.verb, " the job"), job.status());
  return PrintChanged(session, verb.done, *job);
}

absl::StatusOr<ExitCode> Pause(Session& session, const ChangeOptions<v1::PauseJobRequest>& options) {
  return Change(session, options, {&client::Client::PauseJob, "pause", "paused", StatesThat(/*ended=*/false)});
}
absl::StatusOr<ExitCode> Resume(Session& session, const ChangeOptions<v1::ResumeJobRequest>& options) {
  return Change(session, options, {&client::Client::ResumeJob, "resume", "resumed", {v1::JOB_STATE_PAUSED}});
}
struct ContinueOptions {
  v1::ContinueJobRequest request;
  WaitOptions wait;
};

absl::StatusOr<ExitCode> Continue(Session& session, const ContinueOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto job = client->ContinueJob(options.request, session.call());
  if (!job.ok()) return During("cannot continue the job", job.status());
  return options.wait.wait ? PrintOrWait(session, *job, options.wait) : PrintChanged(session, "continued", *job);
}

absl::StatusOr<ExitCode> Cancel(Session& session, const ChangeOptions<v1::CancelPipelineRequest>& options) {
  return Change(session, options,
                {&client::Client::CancelPipeline, "cancel", "cancelled", StatesThat(/*ended=*/false)});
}

absl::StatusOr<ExitCode> Update(Session& session, const v1::UpdateJobRequest& request) {
  if (request.update_mask().paths().empty()) {
    return UsageError("nothing to change: give at least one option, such as --max-workers 8");
  }
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto job = client->UpdateJob(request, session.call());
  if (!job.ok()) return During("cannot change the job", job.status());
  if (session.json()) {
    session.PrintJson(*job);
  } else {
    session.out() << RenderJob(*job, session);
  }
  return ExitCode::kOk;
}

/// An option that sets a field of the request and names it in the mask.
template <typename T>
void AddField(CLI::App* command, v1::UpdateJobRequest& request, const std::string& name, const std::string& type,
              const std::string& path, std::function<void(const T&)> set, const std::string& help) {
  command
      ->add_option_function<T>(
          name,
          [&request, path, set = std::move(set)](const T& value) {
            request.mutable_update_mask()->add_paths(path);
            set(value);
          },
          help)
      ->type_name(type);
}

void AddUpdateOptions(CLI::App* command, v1::UpdateJobRequest& request) {
  AddField<std::string>(
      command, request, "--service-version", "VERSION", "service_version",
      [&request](const std::string& version) { request.set_service_version(version); },
      "Run the chunks that start from now on with this version of the service");
  AddField<int32_t>(
      command, request, "--max-workers", "N", "max_workers", [&request](int32_t n) { request.set_max_workers(n); },
      "The most chunks that run at once; 1 runs them in order, 0 is all workers of the server");
  AddField<int32_t>(
      command, request, "--initial-workers", "N", "initial_workers",
      [&request](int32_t n) { request.set_initial_workers(n); },
      "Chunks that run at once at the start, and after `jobs resume --ramp`");
  AddField<int32_t>(
      command, request, "--priority", "N", "priority", [&request](int32_t n) { request.set_priority(n); },
      "-100 to 100; while a job of higher priority can run, no lower one does");
  AddField<int32_t>(
      command, request, "--weight", "N", "weight", [&request](int32_t n) { request.set_weight(n); },
      "1 to 1000; the share of the workers among jobs of one priority");
  AddField<double>(
      command, request, "--records-per-second,--rate", "N", "throttle.records_per_second",
      [&request](double n) { request.mutable_throttle()->set_records_per_second(n); },
      "Start no more records a second than this; 0 is no limit");
  AddField<std::string>(
      command, request, "--chunk-delay", "DURATION", "throttle.delay_between_chunks",
      [&request](const std::string& text) {
        absl::Duration delay = ParseDurationOption("--chunk-delay", text);
        google::protobuf::Duration& field = *request.mutable_throttle()->mutable_delay_between_chunks();
        field.set_seconds(absl::IDivDuration(delay, absl::Seconds(1), &delay));
        field.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(delay)));
      },
      "The least time between the starts of two chunks; 0s is none");
  AddField<double>(
      command, request, "--max-failed-ratio", "RATIO", "max_failed_ratio",
      [&request](double ratio) { request.set_max_failed_ratio(ratio); },
      "Fail the job when a larger share of its records fails, 0 to 1; 1 is never");
  AddField<std::string>(
      command, request, "--name", "TEXT", "name", [&request](const std::string& name) { request.set_name(name); },
      "A name for people");
  AddField<std::string>(
      command, request, "--description", "TEXT", "description",
      [&request](const std::string& text) { request.set_description(text); }, "What the job is for");
  command
      ->add_option_function<std::vector<std::string>>(
          "--tag",
          [&request](const std::vector<std::string>& tags) {
            request.mutable_update_mask()->add_paths("tags");
            request.mutable_tags()->Assign(tags.begin(), tags.end());
          },
          "A tag, in place of all that the job has. May be repeated")
      ->type_name("TEXT")
      ->expected(1)
      ->take_all();
  command->add_flag_callback(
      "--no-tags", [&request] { request.mutable_update_mask()->add_paths("tags"); }, "Take all tags away");
}

}  // namespace

void AddTuningCommands(CommandTree& tree, CLI::App* jobs) {
  auto pause_options = std::make_shared<ChangeOptions<v1::PauseJobRequest>>();
  CLI::App* pause = tree.AddCommand(jobs, "pause", "Start no chunk of a job until it is resumed; what runs is finished",
                                    "millrace jobs pause 01h2xcejqtf2nbrexx3vqjhp41\n"
                                    "millrace jobs pause 01h2xcejqtf2nbrexx3vqjhp41 --reason \"database is down\"\n"
                                    "# it can still be pushed to, pulled and closed, and stays paused over restarts\n"
                                    "millrace jobs pause --all-matching --service pricing/swap --reason maintenance");
  AddBulkOptions(pause, pause_options->jobs);
  pause
      ->add_option_function<std::string>(
          "--reason", [=](const std::string& reason) { pause_options->request.set_reason(reason); },
          "Why; `jobs explain` shows it")
      ->type_name("TEXT");
  tree.OnRun(pause, pause_options, &Pause);

  auto resume_options = std::make_shared<ChangeOptions<v1::ResumeJobRequest>>();
  CLI::App* resume = tree.AddCommand(jobs, "resume", "Let a paused job go on from where it was",
                                     "millrace jobs resume 01h2xcejqtf2nbrexx3vqjhp41\n"
                                     "# gently: one chunk at once at first, then two, four, eight\n"
                                     "millrace jobs update 01h2xcejqtf2nbrexx3vqjhp41 --initial-workers 1\n"
                                     "millrace jobs resume 01h2xcejqtf2nbrexx3vqjhp41 --ramp\n"
                                     "# all that wait, two a second\n"
                                     "millrace jobs resume --all-matching --service pricing/swap --jobs-per-second 2");
  AddBulkOptions(resume, resume_options->jobs);
  resume->add_flag_callback(
      "--ramp", [=] { resume_options->request.set_ramp(true); },
      "Start with the initial workers of the job again, doubled each second");
  tree.OnRun(resume, resume_options, &Resume);

  auto continue_options = std::make_shared<ContinueOptions>();
  CLI::App* go_on = tree.AddCommand(
      jobs, "continue", "Run the rest of a job that was submitted with a sample or some parts, into the same results",
      "millrace jobs submit aviation/strike-severity --file birdstrikes.csv --sample-every 20 --id strikes --wait\n"
      "millrace jobs continue strikes --wait");
  go_on
      ->add_option_function<std::string>(
          "ID", [=](const std::string& id) { continue_options->request.set_job_id(id); }, kIdHelp)
      ->required();
  AddWaitOptions(go_on, continue_options->wait);
  tree.OnRun(go_on, continue_options, &Continue);

  auto cancel_options = std::make_shared<ChangeOptions<v1::CancelPipelineRequest>>();
  CLI::App* cancel =
      tree.AddCommand(jobs, "cancel", "End a job: what runs is finished, what waits is skipped",
                      "millrace jobs cancel 01h2xcejqtf2nbrexx3vqjhp41 --reason \"wrong file\"\n"
                      "millrace jobs cancel 01h2xcejqtf2nbrexx3vqjhp41 --force\n"
                      "# many at once: look first\n"
                      "millrace jobs cancel --all-matching --tag month-end --before 2024-05-01 --preview\n"
                      "millrace jobs cancel --all-matching --tag month-end --before 2024-05-01 --yes");
  AddBulkOptions(cancel, cancel_options->jobs);
  AddCancelOptions(cancel, cancel_options->request);
  tree.OnRun(cancel, cancel_options, &Cancel);

  auto update_options = std::make_shared<v1::UpdateJobRequest>();
  CLI::App* update =
      tree.AddCommand(jobs, "update", "Change how a job runs from its next chunk on, or what is said about it",
                      "millrace jobs update 01h2xcejqtf2nbrexx3vqjhp41 --max-workers 2 --records-per-second 500\n"
                      "millrace jobs update 01h2xcejqtf2nbrexx3vqjhp41 --priority 10 --tag urgent --tag month-end\n"
                      "# fixed code for what is left; committed chunks keep the config hash they ran with\n"
                      "millrace services create strike-severity-1.0.1.yaml\n"
                      "millrace jobs update 01h2xcejqtf2nbrexx3vqjhp41 --service-version 1.0.1");
  update
      ->add_option_function<std::string>(
          "ID", [=](const std::string& id) { update_options->set_job_id(id); }, kIdHelp)
      ->required();
  AddUpdateOptions(update, *update_options);
  tree.OnRun(update, update_options, &Update);
}

}  // namespace millrace::cli
