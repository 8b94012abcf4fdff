#include "tools/millrace/job_filter.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

constexpr char kStatePrefix[] = "JOB_STATE_";
constexpr char kOutcomePrefix[] = "OUTCOME_";

}  // namespace

std::vector<CLI::Option*> AddCreateTimeOptions(CLI::App* command, CreateTimeOptions& options) {
  return {
      command->add_option("--since", options.since, "Only jobs created since then: 24h ago, a day, or a time")
          ->type_name("TIME"),
      command->add_option("--before", options.before, "Only jobs created before then")->type_name("TIME"),
  };
}

std::vector<CLI::Option*> AddJobFilterOptions(CLI::App* command, JobFilterOptions& options, ServiceFilter service) {
  CLI::Option* state =
      command->add_option("--state", options.states, "Only jobs in this state. May be repeated")
          ->type_name("STATE")
          ->expected(1)
          ->take_all()
          ->check(CLI::IsMember(EnumNames(*v1::JobState_descriptor(), kStatePrefix), CLI::ignore_case));
  std::vector<CLI::Option*> added = {
      state,
      command->add_flag("--unfinished", options.unfinished, "Only jobs that have not ended")->excludes(state),
      command->add_option("--outcome", options.outcomes, "Only jobs that ended so. May be repeated")
          ->type_name("OUTCOME")
          ->expected(1)
          ->take_all()
          ->check(CLI::IsMember(EnumNames(*v1::Outcome_descriptor(), kOutcomePrefix), CLI::ignore_case)),
      command->add_option("--project", options.project, "Only jobs of this project")->type_name("TEXT"),
      command->add_option("--tag", options.tag, "Only jobs with this tag")->type_name("TEXT"),
      command->add_option("--created-by", options.created_by, "Only jobs that this user created")->type_name("USER"),
      command->add_option("--text", options.text, "Only jobs with this text in id, name or description, in either case")
          ->type_name("TEXT"),
  };
  if (service == ServiceFilter::kAny) {
    added.push_back(
        command->add_option("--service", options.service, "Only jobs of this service, or of one version of it")
            ->type_name("FOLDER/NAME[VERSION]"));
  }
  const std::vector<CLI::Option*> created = AddCreateTimeOptions(command, options.created);
  added.insert(added.end(), created.begin(), created.end());
  return added;
}

absl::StatusOr<v1::ListJobsRequest> ReadJobFilter(const Session& session, const JobFilterOptions& options) {
  v1::ListJobsRequest request;
  request.set_service(options.service);
  request.set_project(options.project);
  request.set_tag(options.tag);
  request.set_created_by(options.created_by);
  request.set_text(options.text);
  if (absl::Status set = SetCreateTimes(session, options.created, request); !set.ok()) return set;
  for (const std::string& name : options.states) {
    v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
    v1::JobState_Parse(absl::StrCat(kStatePrefix, absl::AsciiStrToUpper(name)), &state);
    request.add_states(state);
  }
  for (const std::string& name : options.outcomes) {
    v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;
    v1::Outcome_Parse(absl::StrCat(kOutcomePrefix, absl::AsciiStrToUpper(name)), &outcome);
    request.add_outcomes(outcome);
  }
  if (options.unfinished) {
    for (const v1::JobState state : StatesThat(/*ended=*/false)) request.add_states(state);
  }
  return request;
}

absl::StatusOr<google::protobuf::Timestamp> ReadTime(const Session& session, const std::string& name,
                                                     const std::string& text) {
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
  google::protobuf::Timestamp target;
  target.set_seconds(absl::ToUnixSeconds(time));
  target.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(target.seconds()))));
  return target;
}

}  // namespace millrace::cli
