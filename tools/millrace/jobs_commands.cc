#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

constexpr char kStatePrefix[] = "JOB_STATE_";

struct JobsOptions {
  std::string id;
  std::vector<std::string> states;
  bool unfinished = false;
  std::string service;
  std::string project;
  std::string tag;
  std::string created_by;
  std::string since;
  std::string before;
  std::string text;
  int64_t limit = 100;
  int64_t chunk = 0;
  bool other_code = false;
  std::string dag;
  bool force = false;
};

/// A time as people type it: how long ago (`24h`), a day (`2024-05-01`, in the user's zone) or a moment in RFC 3339.
absl::Status ReadTime(const Session& session, const std::string& name, const std::string& text,
                      google::protobuf::Timestamp* (v1::ListJobsRequest::*field)(), v1::ListJobsRequest& request) {
  if (text.empty()) return absl::OkStatus();
  absl::Time time;
  absl::Duration ago;
  std::string error;
  if (absl::ParseDuration(text, &ago) && ago >= absl::ZeroDuration()) {
    time = session.environment().clock->Now() - ago;
  } else if (!absl::ParseTime("%Y-%m-%d", text, session.environment().zone, &time, &error) &&
             !absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return UsageError(absl::StrCat(name,
                                   ": expected how long ago, such as 24h, a day such as 2024-05-01, or a time such "
                                   "as 2024-05-01T12:00:00Z, not ",
                                   text));
  }
  google::protobuf::Timestamp& target = *(request.*field)();
  target.set_seconds(absl::ToUnixSeconds(time));
  target.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(target.seconds()))));
  return absl::OkStatus();
}

/// The first items of a list.
template <typename T>
struct Taken {
  std::vector<T> items;
  /// There are more.
  bool is_cut = false;
};

template <typename T>
absl::StatusOr<Taken<T>> Take(client::Paginated<T> all, int64_t limit) {
  Taken<T> taken;
  for (const absl::StatusOr<T>& item : all) {
    if (!item.ok()) return item.status();
    taken.is_cut = static_cast<int64_t>(taken.items.size()) == limit;
    if (taken.is_cut) break;
    taken.items.push_back(*item);
  }
  return taken;
}

/// Prints a list as `render` does, or as JSON under `name`.
template <typename T>
ExitCode Print(Session& session, const Taken<T>& list, const char* name, const char* nothing,
               std::string (*render)(const std::vector<T>&, const Session&)) {
  if (session.json()) {
    std::vector<std::string> items;
    items.reserve(list.items.size());
    for (const T& item : list.items) items.push_back(ToJson(item));
    session.PrintJson(JsonObject({{name, JsonArray(items)}, {"truncated", list.is_cut ? "true" : "false"}}));
    return ExitCode::kOk;
  }
  session.out() << render(list.items, session);
  if (list.items.empty()) session.err() << nothing << "\n";
  if (list.is_cut) session.err() << "there are more; --limit shows them\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> List(Session& session, const JobsOptions& options) {
  v1::ListJobsRequest request;
  request.set_service(options.service);
  request.set_project(options.project);
  request.set_tag(options.tag);
  request.set_created_by(options.created_by);
  request.set_text(options.text);
  if (absl::Status read =
          ReadTime(session, "--since", options.since, &v1::ListJobsRequest::mutable_create_time_from, request);
      !read.ok()) {
    return read;
  }
  if (absl::Status read =
          ReadTime(session, "--before", options.before, &v1::ListJobsRequest::mutable_create_time_before, request);
      !read.ok()) {
    return read;
  }
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  for (const std::string& name : options.states) {
    v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
    v1::JobState_Parse(absl::StrCat(kStatePrefix, absl::AsciiStrToUpper(name)), &state);
    request.add_states(state);
  }
  if (options.unfinished) {
    for (int state = v1::JOB_STATE_CREATED; state <= v1::JobState_MAX; ++state) {
      if (!IsFinal(static_cast<v1::JobState>(state))) request.add_states(static_cast<v1::JobState>(state));
    }
  }
  const auto jobs = Take(client->AllJobs(request, session.call()), options.limit);
  if (!jobs.ok()) return During("cannot list the jobs", jobs.status());
  return Print(session, *jobs, "jobs", "no such job", &RenderJobs);
}

absl::StatusOr<ExitCode> Show(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::GetJobRequest request;
  request.set_job_id(options.id);
  const auto job = client->GetJob(request, session.call());
  if (!job.ok()) return During("cannot show the job", job.status());
  if (session.json()) {
    session.PrintJson(*job);
  } else {
    session.out() << RenderJob(*job, session);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Explain(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ExplainJobRequest request;
  request.set_job_id(options.id);
  request.set_sequence(options.chunk);
  const auto explanation = client->ExplainJob(request, session.call());
  if (!explanation.ok()) return During("cannot explain the job", explanation.status());
  if (session.json()) {
    session.PrintJson(*explanation);
  } else {
    session.out() << RenderExplanation(*explanation, session);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Chunks(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListChunksRequest request;
  request.set_job_id(options.id);
  request.set_other_code_than_job(options.other_code);
  const auto chunks = Take(client->AllChunks(request, session.call()), options.limit);
  if (!chunks.ok()) return During("cannot list the chunks", chunks.status());
  return Print(session, *chunks, "chunks", "no such chunk", &RenderChunks);
}

absl::StatusOr<ExitCode> Events(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListJobEventsRequest request;
  request.set_job_id(options.id);
  const auto events = Take(client->AllJobEvents(request, session.call()), options.limit);
  if (!events.ok()) return During("cannot list the events", events.status());
  return Print(session, *events, "events", "no event is kept of this job", &RenderJobEvents);
}

absl::StatusOr<ExitCode> Stats(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::GetJobStatisticsRequest request;
  request.set_job_id(options.id);
  v1::DagFormat format = v1::DAG_FORMAT_UNSPECIFIED;
  v1::DagFormat_Parse(absl::StrCat("DAG_FORMAT_", absl::AsciiStrToUpper(options.dag)), &format);
  request.set_dag_format(format);
  const auto statistics = client->GetJobStatistics(request, session.call());
  if (!statistics.ok()) return During("cannot show the statistics of the job", statistics.status());
  if (session.json()) {
    session.PrintJson(*statistics);
  } else if (options.dag.empty()) {
    session.out() << RenderJobStatistics(*statistics, session);
  } else {
    session.out() << statistics->dag();
    if (statistics->dag().empty()) session.err() << "there is no picture: the version of the job was deleted\n";
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Delete(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::DeleteJobRequest request;
  request.set_job_id(options.id);
  request.set_force(options.force);
  const auto deleted = client->DeleteJob(request, session.call());
  if (!deleted.ok()) return During("cannot delete the job", deleted.status());
  if (session.json()) {
    session.PrintJson(*deleted);
  } else {
    session.out() << "deleted " << options.id << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddJobsCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup("jobs", "Jobs: the durable records of runs");
  AddSubmitCommand(tree, group);
  auto list_options = std::make_shared<JobsOptions>();
  CLI::App* list = tree.AddCommand(group, "list", "List jobs, newest first",
                                   "millrace jobs list\n"
                                   "millrace jobs list --state IN_PROGRESS --state CLOSED\n"
                                   "millrace jobs list --service aviation/strike-severity --limit 10 -o json\n"
                                   "millrace jobs list --service 'aviation/strike-severity[1.0.0]' --unfinished\n"
                                   "millrace jobs list --since 24h --text month-end\n"
                                   "millrace jobs list --project pricing --tag urgent --before 2024-05-01");
  list->add_option("--state", list_options->states, "Only jobs in this state. May be repeated")
      ->type_name("STATE")
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember(EnumNames(*v1::JobState_descriptor(), kStatePrefix), CLI::ignore_case));
  list->add_flag("--unfinished", list_options->unfinished, "Only jobs that have not ended")->excludes("--state");
  list->add_option("--service", list_options->service, "Only jobs of this service, or of one version of it")
      ->type_name("FOLDER/NAME[VERSION]");
  list->add_option("--project", list_options->project, "Only jobs of this project")->type_name("TEXT");
  list->add_option("--tag", list_options->tag, "Only jobs with this tag")->type_name("TEXT");
  list->add_option("--created-by", list_options->created_by, "Only jobs that this user created")->type_name("USER");
  list->add_option("--text", list_options->text, "Only jobs with this text in id, name or description, in either case")
      ->type_name("TEXT");
  list->add_option("--since", list_options->since, "Only jobs created since then: 24h ago, a day, or a time")
      ->type_name("TIME");
  list->add_option("--before", list_options->before, "Only jobs created before then")->type_name("TIME");
  list->add_option("--limit", list_options->limit, "The most jobs to list")
      ->type_name("N")
      ->check(AtLeastOne())
      ->capture_default_str();
  tree.OnRun(list, list_options, &List);

  auto show_options = std::make_shared<JobsOptions>();
  CLI::App* show = tree.AddCommand(group, "show", "Show all that is known about a job",
                                   "millrace jobs show 01h2xcejqtf2nbrexx3vqjhp41\n"
                                   "millrace jobs show 01h2xcejqtf2nbrexx3vqjhp41 -o json | jq .summary");
  show->add_option("ID", show_options->id, "The job, or its pipeline: the ids are the same")->required();
  tree.OnRun(show, show_options, &Show);

  auto explain_options = std::make_shared<JobsOptions>();
  CLI::App* explain = tree.AddCommand(group, "explain", "Say why a job, or one of its chunks, is not running",
                                      "millrace jobs explain 01h2xcejqtf2nbrexx3vqjhp41\n"
                                      "millrace jobs explain 01h2xcejqtf2nbrexx3vqjhp41 --chunk 17");
  explain->add_option("ID", explain_options->id, "The job, or its pipeline: the ids are the same")->required();
  explain->add_option("--chunk", explain_options->chunk, "The chunk with this place in push order, from 1 on")
      ->type_name("N")
      ->check(AtLeastOne());
  tree.OnRun(explain, explain_options, &Explain);

  auto chunks_options = std::make_shared<JobsOptions>();
  CLI::App* chunks = tree.AddCommand(group, "chunks", "List the chunks of a job in push order",
                                     "millrace jobs chunks 01h2xcejqtf2nbrexx3vqjhp41\n"
                                     "# what ran before `jobs update --service-version`\n"
                                     "millrace jobs chunks 01h2xcejqtf2nbrexx3vqjhp41 --other-code");
  chunks->add_option("ID", chunks_options->id, "The job, or its pipeline: the ids are the same")->required();
  chunks->add_flag("--other-code", chunks_options->other_code,
                   "Only chunks that ran under another config hash than the job has now");
  chunks->add_option("--limit", chunks_options->limit, "The most chunks to list")
      ->type_name("N")
      ->check(AtLeastOne())
      ->capture_default_str();
  tree.OnRun(chunks, chunks_options, &Chunks);

  auto events_options = std::make_shared<JobsOptions>();
  events_options->limit = 1000;
  CLI::App* events = tree.AddCommand(group, "events", "Show what happened to a job, when, and whose call it was",
                                     "millrace jobs events 01h2xcejqtf2nbrexx3vqjhp41\n"
                                     "millrace jobs events 01h2xcejqtf2nbrexx3vqjhp41 -o json | jq .events[].detail");
  events->add_option("ID", events_options->id, "The job, or its pipeline: the ids are the same")->required();
  events->add_option("--limit", events_options->limit, "The most events to show, from the oldest on")
      ->type_name("N")
      ->check(AtLeastOne())
      ->capture_default_str();
  tree.OnRun(events, events_options, &Events);

  auto stats_options = std::make_shared<JobsOptions>();
  CLI::App* stats = tree.AddCommand(group, "stats", "Show how fast a job goes, and what each node of its service did",
                                    "millrace jobs stats 01h2xcejqtf2nbrexx3vqjhp41\n"
                                    "millrace jobs stats 01h2xcejqtf2nbrexx3vqjhp41 --dag text\n"
                                    "millrace jobs stats 01h2xcejqtf2nbrexx3vqjhp41 --dag dot | dot -Tsvg > nodes.svg\n"
                                    "# slowest nodes first\n"
                                    "millrace jobs stats 01h2xcejqtf2nbrexx3vqjhp41 -o json |\n"
                                    "  jq -r '.nodes | sort_by(-.runTimeShare)[] | .statistics.node'");
  stats->add_option("ID", stats_options->id, "The job, or its pipeline: the ids are the same")->required();
  stats
      ->add_option("--dag", stats_options->dag,
                   "Print the nodes as a picture instead, with the number of records on each edge")
      ->check(CLI::IsMember({"text", "dot", "mermaid"}).description(""))
      ->type_name("text|dot|mermaid");
  tree.OnRun(stats, stats_options, &Stats);

  AddTuningCommands(tree, group);

  AddDeleteCommand(tree, group);
  AddWatchCommand(tree, group);
  AddCompareCommand(tree, group);
  AddExportCommand(tree, group);
  AddRetryCommand(tree, group);
}

}  // namespace millrace::cli
