// `jobs summary`: all jobs in numbers.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/job_filter.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

struct SummaryOptions {
  std::string project;
  CreateTimeOptions created;
};

/// The counts of an enum, by name: `COMPLETED 12, FAILED 1`.
template <typename Counts, typename Name>
std::string CountsByName(const Counts& counts, const Name& name_of) {
  std::string text;
  for (const auto& count : counts) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", name_of(count), " ", HumanCount(count.jobs()));
  }
  return text;
}

std::string Render(const v1::GetStatisticsResponse& all, const Session& session) {
  const std::string states = CountsByName(all.states(), [](const v1::JobStateCount& count) {
    return DescribeState(count.state(), v1::OUTCOME_UNSPECIFIED);
  });
  const std::string outcomes = CountsByName(all.outcomes(), [](const v1::OutcomeCount& count) {
    return std::string(absl::StripPrefix(v1::Outcome_Name(count.outcome()), "OUTCOME_"));
  });
  const v1::RecordCounts& records = all.records();
  std::string text = RenderFacts({{"jobs", HumanCount(all.jobs())},
                                  {"active", HumanCount(all.jobs_active())},
                                  {"states", states},
                                  {"outcomes", outcomes},
                                  {"records", HumanCount(records.submitted())},
                                  {"pending", HumanCount(records.pending())},
                                  {"completed", HumanCount(records.completed())},
                                  {"failed", HumanCount(records.failed())},
                                  {"discarded", HumanCount(records.discarded())},
                                  {"skipped", HumanCount(records.skipped())}},
                                 session.out_style());
  Table services({{"SERVICE"},
                  {"JOBS", Align::kRight},
                  {"ACTIVE", Align::kRight},
                  {"RECORDS", Align::kRight},
                  {"DONE", Align::kRight},
                  {"FAILED", Align::kRight}});
  for (const v1::ServiceStatistics& service : all.services()) {
    services.AddRow({service.service(), HumanCount(service.jobs()), HumanCount(service.jobs_active()),
                     HumanCount(service.records().submitted()), HumanCount(service.records().completed()),
                     HumanCount(service.records().failed())});
  }
  if (!services.empty()) absl::StrAppend(&text, "\n", services.Render(session.out_style()));
  const std::string recent = RenderJobs({all.recent_jobs().begin(), all.recent_jobs().end()}, session);
  if (!recent.empty()) absl::StrAppend(&text, "\n", session.out_style().Bold("Newest jobs"), "\n", recent);
  return text;
}

absl::StatusOr<ExitCode> Summarise(Session& session, const SummaryOptions& options) {
  v1::GetStatisticsRequest request;
  request.set_project(options.project);
  if (absl::Status set = SetCreateTimes(session, options.created, request); !set.ok()) return set;
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto all = client->GetStatistics(request, session.call());
  if (!all.ok()) return During("cannot show the statistics", all.status());
  if (session.json()) {
    session.PrintJson(*all);
    return ExitCode::kOk;
  }
  session.out() << Render(*all, session);
  if (all->services_total() > all->services_size()) {
    session.err() << "there are " << HumanCount(all->services_total()) << " services; these have the most jobs\n";
  }
  if (all->partial() && all->has_complete_from()) {
    session.err() << "there was no time for all jobs: only those since " << session.Time(all->complete_from())
                  << " are counted; --before shows earlier ones\n";
  } else if (all->partial()) {
    session.err()
        << "there was no time for all jobs, and the newest ones match nothing: ask for a time of which you know by "
           "--since and --before\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddSummaryCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<SummaryOptions>();
  CLI::App* command =
      tree.AddCommand(jobs, "summary", "Show all jobs in numbers: by state, outcome and service, with the newest ones",
                      "millrace jobs summary\n"
                      "millrace jobs summary --since 24h --project pricing\n"
                      "millrace jobs summary -o json | jq -r '.services[] | [.service, .jobs] | @tsv'");
  command->add_option("--project", options->project, "Only jobs of this project")->type_name("TEXT");
  AddCreateTimeOptions(command, options->created);
  tree.OnRun(command, options, &Summarise);
}

}  // namespace millrace::cli
