// `millrace bulk submit`: a bulk run of the jobs that a file lists.
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/message.h"
#include "tools/millrace/bulk_file.h"
#include "tools/millrace/bulk_run.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/pipeline_options.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

struct BulkSubmitOptions {
  BulkSubmitOptions() { pipeline.service = kJobsService; }

  std::string file;
  PipelineOptions pipeline;
  WaitOptions wait;
};

/// What was typed goes over what the file says, field by field. A message without parts of its own to choose, such as a
/// duration or a webhook, is one thing: `--retention 0s` must not leave the seconds of the file.
void PutOver(const google::protobuf::Message& typed, google::protobuf::Message& target) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  typed.GetReflection()->ListFields(typed, &fields);
  for (const auto* field : fields) {
    if (field->is_repeated() || field->message_type() == nullptr) continue;
    const bool has_parts =
        field->message_type() == v1::RetryPolicy::descriptor() || field->message_type() == v1::Throttle::descriptor();
    if (has_parts) {
      PutOver(typed.GetReflection()->GetMessage(typed, field), *target.GetReflection()->MutableMessage(&target, field));
    } else {
      target.GetReflection()->ClearField(&target, field);
    }
  }
  target.MergeFrom(typed);
}

absl::StatusOr<v1::SubmitJobRequest> RequestOf(const BulkSubmitOptions& options, Session& session) {
  absl::StatusOr<v1::CreatePipelineRequest> typed = CreateRequestOf(options.pipeline);
  if (!typed.ok()) return typed.status();
  absl::StatusOr<v1::SubmitJobRequest> request = ReadBulkFile(options.file, session.environment().stop);
  if (!request.ok()) return request;
  PutOver(typed->options(), *request->mutable_options());
  v1::JobMetadata& metadata = *request->mutable_metadata();
  if (!metadata.source_system().empty() && typed->metadata().source_system() == PipelineOptions{}.source_system) {
    typed->mutable_metadata()->clear_source_system();
  }
  if (typed->metadata().tags_size() > 0) metadata.clear_tags();
  metadata.MergeFrom(typed->metadata());
  for (const auto& [name, value] : typed->parameters().fields()) {
    (*request->mutable_parameters()->mutable_fields())[name] = value;
  }
  if (!typed->pipeline_id().empty()) request->set_job_id(typed->pipeline_id());
  if (request->request_id().empty()) request->set_request_id(session.NewId());
  return request;
}

absl::StatusOr<ExitCode> Submit(Session& session, const BulkSubmitOptions& options) {
  const absl::StatusOr<v1::SubmitJobRequest> request = RequestOf(options, session);
  if (!request.ok()) return request.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto job = client->SubmitJob(*request, session.call());
  if (!job.ok()) return During("cannot submit the bulk run", job.status());
  if (session.json() || !options.wait.wait) return PrintOrWait(session, *job, options.wait);
  return PrintOrWait(session, *job, options.wait,
                     [&](const v1::Job& bulk) { return PrintBulkRun(session, *client, bulk, kBulkRunJobs); });
}

}  // namespace

void AddBulkSubmitCommand(CommandTree& tree, CLI::App* bulk) {
  auto options = std::make_shared<BulkSubmitOptions>();
  CLI::App* submit = tree.AddCommand(bulk, "submit", "Start a bulk run: the jobs that a file lists",
                                     "# {\"jobs\": [{\"name\": \"retail\", \"service\": \"demo/generate\",\n"
                                     "#            \"source\": {\"range\": {\"count\": 1000}}}, ...]}\n"
                                     "millrace bulk submit nightly.json --parallel 4 --wait\n"
                                     "# one after the other, until one fails:\n"
                                     "millrace bulk submit migration.jsonl --sequential --stop-on-error\n"
                                     "# made by another program, with a parameter that every job sees:\n"
                                     "./make-jobs | millrace bulk submit - --param env=test");
  submit
      ->add_option(
          "FILE", options->file,
          "A JSON object with `jobs`, or JSON Lines with a job each (docs/BULK.md); - is the standard input. What "
          "options say goes over what the file says")
      ->required();
  submit->add_option("--id", options->pipeline.id, "Id of the bulk run (default: a new one)")->type_name("ID");
  v1::JobOptions& job = options->pipeline.job;
  CLI::Option* parallel =
      submit
          ->add_option_function<int32_t>(
              "--parallel", [&job](int32_t n) { job.set_max_workers(n); },
              "How many jobs run side by side, the --max-workers of the bulk run (default: as many as "
              "the server has workers)")
          ->type_name("N")
          ->check(AtLeastOne());
  CLI::Option* sequential = submit
                                ->add_flag_callback(
                                    "--sequential", [&job] { job.set_max_workers(1); },
                                    "One job after the other, in the order of the file: --parallel 1")
                                ->excludes(parallel);
  AddParameterOptions(submit, options->pipeline.parameters);
  AddJobOptions(submit, options->pipeline);
  // A bulk run runs on no worker.
  submit->remove_option(submit->get_option("--worker-label"));
  CLI::Option* max_workers = submit->get_option("--max-workers");
  parallel->excludes(max_workers);
  sequential->excludes(max_workers);
  AddMetadataOptions(submit, options->pipeline);
  AddWaitOptions(submit, options->wait);
  tree.OnRun(submit, options, &Submit);
}

}  // namespace millrace::cli
