#include "tools/millrace/bulk_change.h"

#include <cstdint>
#include <istream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/records/json_text.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

// Between two lines about how far a long change is.
constexpr absl::Duration kTellEvery = absl::Seconds(5);

/// A job that was found, as it was then.
struct Target {
  std::string id;
  std::string service;
  std::string state;
  std::string created;
};

/// What became of a job.
struct Done {
  std::string id;
  absl::StatusOr<std::string> result;
};

std::string JobCount(size_t count) {
  return absl::StrCat(HumanCount(static_cast<int64_t>(count)), count == 1 ? " job" : " jobs");
}

/// All of them before the first is changed: whatever begins to match later was not looked at by anybody.
absl::StatusOr<std::vector<Target>> FindTargets(Session& session, const client::Client& client,
                                                const BulkOptions& options, const BulkVerb& verb) {
  absl::StatusOr<v1::ListJobsRequest> request = ReadJobFilter(session, options.filter);
  if (!request.ok()) return request.status();
  request->set_page_size(1'000);
  if (request->states().empty()) {
    for (const v1::JobState state : verb.states) request->add_states(state);
  }
  std::vector<Target> targets;
  absl::Status listed = client.AllJobs(*request, session.call()).ForEach([&](const v1::Job& job) {
    targets.push_back(
        {job.id(), job.service_uri(), DescribeState(job.state(), job.outcome()), session.Time(job.create_time())});
    return absl::OkStatus();
  });
  if (!listed.ok()) return During("cannot list the jobs", listed);
  return targets;
}

void Preview(Session& session, const std::vector<Target>& targets, const BulkVerb& verb) {
  if (session.json()) {
    std::vector<std::string> jobs;
    jobs.reserve(targets.size());
    for (const Target& target : targets) {
      jobs.push_back(JsonObject({{"id", records::JsonString(target.id)},
                                 {"service", records::JsonString(target.service)},
                                 {"state", records::JsonString(target.state)}}));
    }
    session.PrintJson(JsonObject({{"jobs", JsonArray(jobs)}, {"preview", "true"}}));
    return;
  }
  Table table({{"ID"}, {"SERVICE"}, {"STATE"}, {"CREATED"}});
  for (const Target& target : targets) table.AddRow({target.id, target.service, target.state, target.created});
  if (!table.empty()) session.out() << table.Render(session.out_style());
  session.err() << JobCount(targets.size()) << " would be " << verb.done << "\n";
}

/// Asks whoever sits at the terminal.
absl::Status Confirm(Session& session, size_t count, const BulkVerb& verb) {
  const Environment& environment = session.environment();
  if (environment.in == nullptr || !environment.in_is_terminal) {
    return UsageError(absl::StrCat(JobCount(count), " would be ", verb.done,
                                   ", and nobody can be asked; --preview shows them, --yes does it"));
  }
  session.err() << verb.verb << " " << JobCount(count) << "? [y/N] " << std::flush;
  std::string answer;
  std::getline(*environment.in, answer);
  answer = absl::AsciiStrToLower(absl::StripAsciiWhitespace(answer));
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return absl::FailedPreconditionError("nothing was changed");
}

/// Waits until it is the turn of the next job. False when the user interrupts.
bool AwaitTurn(const Session& session, absl::Duration start, size_t index, double rate) {
  const Environment& environment = session.environment();
  if (environment.stop.stop_requested()) return false;
  if (rate <= 0) return true;
  const absl::Duration turn = start + absl::Seconds(static_cast<double>(index) / rate);
  const absl::Duration wait = turn - environment.timer->Elapsed();
  return wait <= absl::ZeroDuration() || environment.timer->Sleep(wait, environment.stop);
}

std::string ResultToJson(const Done& done) {
  std::vector<std::pair<std::string_view, std::string>> fields = {
      {"id", records::JsonString(done.id)}, {"result", done.result.ok() ? R"("DONE")" : R"("FAILED")"}};
  if (done.result.ok()) fields.emplace_back("detail", records::JsonString(*done.result));
  if (!done.result.ok()) fields.emplace_back("error", records::JsonString(std::string(done.result.status().message())));
  return JsonObject(fields);
}

void Report(Session& session, const std::vector<Done>& all, size_t failed, size_t left, const BulkVerb& verb) {
  if (session.json()) {
    std::vector<std::string> jobs;
    jobs.reserve(all.size());
    for (const Done& done : all) jobs.push_back(ResultToJson(done));
    session.PrintJson(JsonObject({{"jobs", JsonArray(jobs)},
                                  {"done", absl::StrCat(all.size() - failed)},
                                  {"failed", absl::StrCat(failed)},
                                  {"left", absl::StrCat(left)}}));
    return;
  }
  Table table({{"ID"}, {"RESULT"}});
  for (const Done& done : all) {
    table.AddRow({done.id, done.result.ok() ? *done.result
                                            : absl::StrCat("FAILED: ", std::string(done.result.status().message()))});
  }
  if (!table.empty()) session.out() << table.Render(session.out_style());
  session.err() << verb.done << " " << JobCount(all.size() - failed);
  if (failed > 0) session.err() << ", " << HumanCount(static_cast<int64_t>(failed)) << " failed";
  if (left > 0) session.err() << ", " << HumanCount(static_cast<int64_t>(left)) << " left as they were";
  session.err() << "\n";
}

}  // namespace

void AddBulkOptions(CLI::App* command, BulkOptions& options, bool with_preview) {
  CLI::Option* id = command->add_option("ID", options.id, "The job, or its pipeline: the ids are the same");
  CLI::Option* all =
      command->add_flag("--all-matching", options.all_matching, "In place of one job: all that the filters below find")
          ->excludes(id);
  for (CLI::Option* filter : AddJobFilterOptions(command, options.filter)) filter->needs(all);
  if (with_preview) {
    command->add_flag("--preview", options.preview, "Only list the jobs that would be changed")->needs(all);
  }
  command->add_flag("--yes", options.yes, "Do not ask")->needs(all);
  command->add_option("--jobs-per-second,--rate", options.rate, "The most jobs to change in a second; 0 is no limit")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->needs(all);
}

absl::Status CheckBulkOptions(const BulkOptions& options) {
  if (!options.id.empty() || options.all_matching) return absl::OkStatus();
  return UsageError("which job? Give its id, or --all-matching with filters");
}

absl::StatusOr<ExitCode> ChangeMatching(Session& session, const BulkOptions& options, const BulkVerb& verb) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const absl::StatusOr<std::vector<Target>> targets = FindTargets(session, *client, options, verb);
  if (!targets.ok()) return targets.status();
  if (options.preview) {
    Preview(session, *targets, verb);
    return ExitCode::kOk;
  }
  if (!options.yes && !targets->empty()) {
    if (absl::Status confirmed = Confirm(session, targets->size(), verb); !confirmed.ok()) return confirmed;
  }
  client::Clock& timer = *session.environment().timer;
  const absl::Duration start = timer.Elapsed();
  absl::Duration told = start;
  std::vector<Done> all;
  all.reserve(targets->size());
  size_t failed = 0;
  for (size_t i = 0; i < targets->size() && AwaitTurn(session, start, i, options.rate); ++i) {
    const std::string& id = (*targets)[i].id;
    const Done& done = all.emplace_back(Done{id, verb.change(*client, id)});
    if (!done.result.ok()) ++failed;
    if (timer.Elapsed() - told < kTellEvery) continue;
    told = timer.Elapsed();
    session.err() << HumanCount(static_cast<int64_t>(all.size())) << " of " << JobCount(targets->size()) << ", "
                  << HumanCount(static_cast<int64_t>(failed)) << " failed" << std::endl;
  }
  Report(session, all, failed, targets->size() - all.size(), verb);
  if (all.size() < targets->size()) return absl::CancelledError("interrupted");
  return failed == 0 ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace millrace::cli
