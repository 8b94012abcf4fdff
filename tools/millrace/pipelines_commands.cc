#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/chunker.h"
#include "client/cpp/pipeline.h"
#include "storage/records/json_text.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/pipeline_options.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

// Pushes and pulls of a script had better outlast the restart of a server.
constexpr absl::Duration kDataRetryFor = absl::Minutes(10);
constexpr absl::Duration kWatchInterval = absl::Seconds(1);

struct PipelinesOptions {
  PipelineOptions pipeline;
  InputOptions input;
  std::string id;
  std::string chunk_prefix;
  int64_t after = -1;
  int32_t max_chunks = 100;
  absl::Duration wait = absl::ZeroDuration();
  bool acknowledge = false;
  bool follow = false;
  int64_t cursor = 0;
  bool watch = false;
  v1::CancelPipelineRequest cancel;
};

ExitCode ShowJob(Session& session, const v1::Job& job) {
  if (session.json()) {
    session.PrintJson(job);
  } else {
    session.out() << RenderJob(job, session);
  }
  return ExitCode::kOk;
}

ExitCode ShowStatus(Session& session, const v1::PipelineStatus& status) {
  if (session.json()) {
    session.PrintJson(status);
  } else {
    session.out() << RenderStatus(status, session);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Create(Session& session, const PipelinesOptions& options) {
  auto request = CreateRequestOf(options.pipeline);
  if (!request.ok()) return request.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto pipeline = client::Pipeline::Create(*client, *std::move(request), session.call());
  if (!pipeline.ok()) return During("cannot create the pipeline", pipeline.status());
  return ShowJob(session, pipeline->job());
}

/// The same command again stores what is missing, unless it was other chunks that were refused, or none is taken any more.
absl::Status WithPushHint(const absl::Status& status, const std::string& hint) {
  absl::Status failed = During("cannot push", status);
  const bool is_final = absl::IsAlreadyExists(status) || absl::IsFailedPrecondition(status);
  return is_final ? failed : WithHint(std::move(failed), hint);
}

absl::StatusOr<ExitCode> Push(Session& session, const PipelinesOptions& options) {
  auto summary = SummaryOf(options.input.summaries);
  if (!summary.ok()) return summary.status();
  const auto reader = OpenInputRecords(options.input, session.environment().stop);
  if (!reader.ok()) return During("cannot read the input", reader.status());
  const std::string prefix = options.chunk_prefix.empty() ? client::RandomId() : options.chunk_prefix;
  const std::string hint =
      absl::StrCat("repeat the command with --chunk-prefix ", prefix, ": chunks that are stored are not stored again");
  ChunkCutter cutter(reader->get(), options.input.input,
                     {.max_records = options.input.chunk_size,
                      .id_prefix = prefix + "-",
                      .keep_originals = false,
                      .skip_bad_rows = false,
                      .bad_row_hint = "mend the row and " + hint,
                      .summary = *std::move(summary)});
  const auto client = session.Connect(kDataRetryFor);
  if (!client.ok()) return client.status();
  auto pipeline = client::Pipeline::Attach(*client, options.id, session.call());
  if (!pipeline.ok()) return During("cannot push", pipeline.status());
  int64_t chunks = 0;
  int64_t duplicates = 0;
  int64_t records = 0;
  client::PusherOptions pusher_options;
  pusher_options.stop = session.environment().stop;
  pusher_options.on_stored = [&](const v1::PushedChunk& chunk) {
    ++chunks;
    duplicates += chunk.duplicate() ? 1 : 0;
    records += chunk.record_count();
  };
  const auto pusher = pipeline->NewPusher(std::move(pusher_options));
  if (!pusher.ok()) return pusher.status();
  for (;;) {
    auto cut = cutter.Next();
    if (!cut.ok()) {
      // What was cut before is whole; let it be stored.
      (*pusher)->Flush().IgnoreError();
      return During("cannot read the input", cut.status());
    }
    if (!cut->has_value()) break;
    if (auto id = (*pusher)->Push(std::move((*cut)->chunk)); !id.ok()) {
      return WithPushHint(id.status(), hint);
    }
  }
  if (auto status = (*pusher)->Flush(); !status.ok()) return WithPushHint(status, hint);
  if (session.json()) {
    session.PrintJson(JsonObject({{"pipelineId", records::JsonString(options.id)},
                                  {"chunkPrefix", records::JsonString(prefix)},
                                  {"chunks", absl::StrCat(chunks)},
                                  {"duplicateChunks", absl::StrCat(duplicates)},
                                  {"records", absl::StrCat(records)}}));
  } else {
    session.out() << "pushed " << HumanCount(records, "record") << " in " << HumanCount(chunks, "chunk");
    if (duplicates > 0) session.out() << ", " << HumanCount(duplicates) << " of which were stored before";
    session.out() << "\n";
  }
  return ExitCode::kOk;
}

/// Shows results as they come, to the last one.
absl::StatusOr<ExitCode> Follow(Session& session, const client::Client& client, const PipelinesOptions& options) {
  const absl::StatusOr<client::Pipeline> pipeline = client::Pipeline::Attach(client, options.id, session.call());
  if (!pipeline.ok()) return During("cannot find the pipeline", pipeline.status());
  client::PullerOptions how{.page_size = options.max_chunks, .stop = session.call().stop};
  if (options.after >= 0) how.after = options.after;
  const auto puller = pipeline->NewPuller(std::move(how));
  if (!puller.ok()) return puller.status();
  std::vector<v1::ChunkResult> page;
  for (;;) {
    auto result = (*puller)->Next();
    if (!result.ok()) return During("cannot pull", result.status());
    if (!result->has_value()) break;
    page.push_back(**std::move(result));
    if ((*puller)->buffered() > 0) continue;
    if (session.json()) {
      for (const v1::ChunkResult& shown : page) session.PrintJson(ResultToJson(shown));
    } else {
      session.out() << RenderResults(page, session);
    }
    page.clear();
    // Asking for the next one acknowledges these: what was not shown shall not count as taken.
    session.out().flush();
    if (!session.out()) return absl::DataLossError("the results could not be printed; they are not acknowledged");
  }
  if (!session.json()) session.out() << "cursor " << (*puller)->cursor() << ", drained\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Pull(Session& session, const PipelinesOptions& options) {
  if (options.follow && options.wait > absl::ZeroDuration()) return UsageError("--follow waits as long as it takes");
  const auto client = session.Connect(kDataRetryFor);
  if (!client.ok()) return client.status();
  if (options.follow) return Follow(session, *client, options);
  v1::PullRequest request;
  request.set_pipeline_id(options.id);
  request.set_max_chunks(options.max_chunks);
  if (options.after >= 0) request.set_after(options.after);
  const int64_t wait_nanos = absl::ToInt64Nanoseconds(options.wait);
  request.mutable_wait()->set_seconds(wait_nanos / 1'000'000'000);
  request.mutable_wait()->set_nanos(static_cast<int32_t>(wait_nanos % 1'000'000'000));
  const auto response = client->Pull(request, session.call());
  if (!response.ok()) return During("cannot pull", response.status());
  if (session.json()) {
    std::vector<std::string> results;
    for (const v1::ChunkResult& result : response->results()) results.push_back(ResultToJson(result));
    session.PrintJson(JsonObject({{"results", JsonArray(results)},
                                  {"cursor", absl::StrCat("\"", response->cursor(), "\"")},
                                  {"drained", response->drained() ? "true" : "false"},
                                  {"status", ToJson(response->status())}}));
  } else {
    session.out() << RenderResults({response->results().begin(), response->results().end()}, session);
    session.out() << "cursor " << response->cursor() << (response->drained() ? ", drained" : "") << "\n";
  }
  if (!options.acknowledge || response->results().empty()) return ExitCode::kOk;
  // Only now: what was not shown shall not count as taken.
  session.out().flush();
  if (!session.out()) return absl::DataLossError("the results could not be printed; they are not acknowledged");
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_pipeline_id(options.id);
  acknowledge.set_cursor(response->cursor());
  const auto acknowledged = client->Acknowledge(acknowledge, session.call());
  if (!acknowledged.ok()) return During("cannot acknowledge", acknowledged.status());
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Acknowledge(Session& session, const PipelinesOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::AcknowledgeRequest request;
  request.set_pipeline_id(options.id);
  request.set_cursor(options.cursor);
  const auto response = client->Acknowledge(request, session.call());
  if (!response.ok()) return During("cannot acknowledge", response.status());
  return ShowStatus(session, response->status());
}

absl::StatusOr<ExitCode> Status(Session& session, const PipelinesOptions& options) {
  if (options.watch && session.json()) return UsageError("--watch shows lines for people; leave out -o json");
  const auto client = session.Connect(options.watch ? kDataRetryFor : absl::Seconds(1));
  if (!client.ok()) return client.status();
  v1::GetPipelineStatusRequest request;
  request.set_pipeline_id(options.id);
  std::string last;
  for (;;) {
    const auto status = client->GetPipelineStatus(request, session.call());
    if (!status.ok()) return During("cannot read the status", status.status());
    if (!options.watch) return ShowStatus(session, *status);
    if (std::string line = RenderStatusLine(*status); line != last) {
      last = std::move(line);
      session.out() << HumanTime(session.environment().clock->Now(), session.environment().zone) << "  " << last
                    << std::endl;
    }
    if (IsFinal(status->state())) return ExitCode::kOk;
    if (!session.environment().timer->Sleep(kWatchInterval, session.environment().stop)) {
      return ExitCode::kInterrupted;
    }
  }
}

absl::StatusOr<ExitCode> Close(Session& session, const PipelinesOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ClosePipelineRequest request;
  request.set_pipeline_id(options.id);
  const auto job = client->ClosePipeline(request, session.call());
  if (!job.ok()) return During("cannot close the pipeline", job.status());
  return ShowJob(session, *job);
}

absl::StatusOr<ExitCode> Cancel(Session& session, const PipelinesOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::CancelPipelineRequest request = options.cancel;
  request.set_pipeline_id(options.id);
  const auto job = client->CancelPipeline(request, session.call());
  if (!job.ok()) return During("cannot cancel the pipeline", job.status());
  return ShowJob(session, *job);
}

absl::StatusOr<ExitCode> Describe(Session& session, const PipelinesOptions&) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto response = client->DescribePipelines({}, session.call());
  if (!response.ok()) return During("cannot describe the pipelines", response.status());
  if (session.json()) {
    session.PrintJson(*response);
  } else {
    session.out() << RenderDescription(*response, session);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddPipelinesCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup("pipelines", "Pipelines step by step: what `run` does in one go");
  const auto add = [&](const char* name, const char* help, const char* examples, bool with_id = true) {
    auto options = std::make_shared<PipelinesOptions>();
    CLI::App* command = tree.AddCommand(group, name, help, examples);
    if (with_id) command->add_option("ID", options->id, "The pipeline")->required();
    return std::make_pair(command, options);
  };

  auto [create, create_options] = add("create", "Create a pipeline on a service and show its job",
                                      "millrace pipelines create aviation/strike-severity --name nightly\n"
                                      "ID=$(millrace pipelines create aviation/strike-severity -o json | jq -r .id)",
                                      false);
  AddPipelineOptions(create, create_options->pipeline);
  tree.OnRun(create, create_options, &Create);

  auto [push, push_options] = add("push", "Push the records of a file; they are stored when the command ends",
                                  "millrace pipelines push $ID --input birdstrikes.csv --chunk-size 300\n"
                                  "produce-records | millrace pipelines push $ID --input - --format jsonl");
  AddInputOptions(push, push_options->input);
  AddChunkOptions(push, push_options->input);
  push->add_option("--chunk-prefix", push_options->chunk_prefix,
                   "Name the chunks PREFIX-c-000001 and so on, so that the command can be repeated (default: random)")
      ->type_name("PREFIX");
  tree.OnRun(push, push_options, &Push);

  auto [pull, pull_options] =
      add("pull", "Show results in the order in which they were finished",
          "millrace pipelines pull $ID --wait 10s\n"
          "millrace pipelines pull $ID --after 0 --max-chunks 1 -o json | jq .results[0].outputs\n"
          "# show results, and count them as taken when they are shown\n"
          "millrace pipelines pull $ID --ack\n"
          "# all results, as they come, until the pipeline is closed and every chunk is through\n"
          "millrace pipelines pull $ID --follow -o json");
  pull->add_option("--after", pull_options->after,
                   "Acknowledge all results up to this number and show what follows (default: what is not "
                   "acknowledged)")
      ->type_name("CURSOR")
      ->check(CLI::NonNegativeNumber);
  pull->add_option("--max-chunks", pull_options->max_chunks, "The most results")
      ->type_name("N")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  AddDurationOption(pull, "--wait", pull_options->wait,
                    "How long to wait for a result, up to 60s (default: not at all)");
  pull->add_flag("--ack", pull_options->acknowledge, "Acknowledge the results once they are printed");
  pull->add_flag("--follow", pull_options->follow,
                 "Print and acknowledge results as they come, until none will follow; --max-chunks at once");
  tree.OnRun(pull, pull_options, &Pull);

  auto [ack, ack_options] = add("ack", "Acknowledge all results up to a cursor, and so free the output buffer",
                                "millrace pipelines ack $ID 34");
  ack->add_option("CURSOR", ack_options->cursor, "As `pull` showed it")->required()->check(CLI::NonNegativeNumber);
  tree.OnRun(ack, ack_options, &Acknowledge);

  auto [status, status_options] = add("status", "Show how far a pipeline is",
                                      "millrace pipelines status $ID\nmillrace pipelines status $ID --watch");
  status->add_flag("--watch", status_options->watch, "Print a line with each change until the job has ended");
  tree.OnRun(status, status_options, &Status);

  auto [close, close_options] =
      add("close", "Take no more input; what was pushed is still processed", "millrace pipelines close $ID");
  tree.OnRun(close, close_options, &Close);

  auto [cancel, cancel_options] = add("cancel", "Stop a job for good; results that are there stay",
                                      "millrace pipelines cancel $ID --reason 'wrong file'\n"
                                      "millrace pipelines cancel $ID --force");
  AddCancelOptions(cancel, cancel_options->cancel);
  tree.OnRun(cancel, cancel_options, &Cancel);

  auto [describe, describe_options] =
      add("describe", "Show active and recent pipelines, and how much of the limits is in use",
          "millrace pipelines describe", false);
  tree.OnRun(describe, describe_options, &Describe);
}

}  // namespace millrace::cli
