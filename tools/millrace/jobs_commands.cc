#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/job_filter.h"
#include "tools/millrace/list.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

constexpr int64_t kPageSizeMax = 1'000;

struct JobsOptions {
  std::string id;
  int64_t limit = 100;
  int64_t chunk = 0;
  bool other_code = false;
  std::string config_hash;
  std::optional<int64_t> part;
  std::string dag;
};

struct ListOptions {
  JobFilterOptions filter;
  bool oldest_first = false;
  std::string sort;
  int64_t limit = 100;
};

const std::map<std::string, v1::JobOrder>& Orders() {
  static const auto* const kOrders = new std::map<std::string, v1::JobOrder>({
      {"newest", v1::JOB_ORDER_NEWEST_FIRST},
      {"oldest", v1::JOB_ORDER_OLDEST_FIRST},
      {"ended", v1::JOB_ORDER_LAST_ENDED_FIRST},
      {"failed", v1::JOB_ORDER_MOST_FAILED_FIRST},
      {"longest", v1::JOB_ORDER_LONGEST_FIRST},
      {"name", v1::JOB_ORDER_NAME},
  });
  return *kOrders;
}

absl::StatusOr<ExitCode> List(Session& session, const ListOptions& options) {
  absl::StatusOr<v1::ListJobsRequest> request = ReadJobFilter(session, options.filter);
  if (!request.ok()) return request.status();
  if (options.oldest_first) request->set_order(v1::JOB_ORDER_OLDEST_FIRST);
  if (!options.sort.empty()) request->set_order(Orders().at(options.sort));
  // One more than is shown tells whether there are more, and a page of a sorted list is dear.
  request->set_page_size(static_cast<int32_t>(std::min(options.limit, kPageSizeMax - 1) + 1));
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto jobs = TakeFirst(client->AllJobs(*request, session.call()), options.limit);
  if (!jobs.ok()) return During("cannot list the jobs", jobs.status());
  return PrintList(session, *jobs, "jobs", "no such job", &RenderJobs);
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
  request.set_config_hash(options.config_hash);
  if (options.part.has_value()) request.set_part(*options.part);
  const auto chunks = TakeFirst(client->AllChunks(request, session.call()), options.limit);
  if (!chunks.ok()) return During("cannot list the chunks", chunks.status());
  return PrintList(session, *chunks, "chunks", "no such chunk", &RenderChunks);
}

absl::StatusOr<ExitCode> Events(Session& session, const JobsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListJobEventsRequest request;
  request.set_job_id(options.id);
  const auto events = TakeFirst(client->AllJobEvents(request, session.call()), options.limit);
  if (!events.ok()) return During("cannot list the events", events.status());
  return PrintList(session, *events, "events", "no event is kept of this job", &RenderJobEvents);
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

}  // namespace

void AddJobsCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup("jobs", "Jobs: the durable records of runs");
  AddSubmitCommand(tree, group);
  auto list_options = std::make_shared<ListOptions>();
  CLI::App* list = tree.AddCommand(group, "list", "List jobs, newest first",
                                   "millrace jobs list\n"
                                   "millrace jobs list --state IN_PROGRESS --state CLOSED\n"
                                   "millrace jobs list --service aviation/strike-severity --limit 10 -o json\n"
                                   "millrace jobs list --service 'aviation/strike-severity[1.0.0]' --unfinished\n"
                                   "millrace jobs list --since 24h --text month-end\n"
                                   "millrace jobs list --since 168h --outcome partial --sort failed\n"
                                   "millrace jobs list --project pricing --tag urgent --before 2024-05-01");
  AddJobFilterOptions(list, list_options->filter);
  CLI::Option* oldest =
      list->add_flag("--oldest-first", list_options->oldest_first, "In the order in which they were created");
  list->add_option(
          "--sort", list_options->sort,
          "Newest first (default), oldest first, the last that ended first, those with the most failed records "
          "first, those that run or ran longest first, or by name")
      ->type_name("newest|oldest|ended|failed|longest|name")
      ->check(CLI::IsMember(Orders()).description(""))
      ->excludes(oldest);
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
  chunks
      ->add_option("--hash", chunks_options->config_hash,
                   "Only chunks that ran under this config hash: the digits that the list shows, or more of them")
      ->type_name("HASH");
  chunks->add_option("--part", chunks_options->part, "Only chunks of this part of the partitioning of the job, from 0")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber.description(""));
  chunks->add_option("--limit", chunks_options->limit, "The most chunks to list")
      ->type_name("N")
      ->check(AtLeastOne())
      ->capture_default_str();
  tree.OnRun(chunks, chunks_options, &Chunks);

  AddRecordsCommand(tree, group);

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
  AddSummaryCommand(tree, group);
}

}  // namespace millrace::cli
