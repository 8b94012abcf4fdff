#include "tools/millrace/failure.h"

#include <optional>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/errors.h"

namespace millrace::cli {
namespace {

constexpr char kUsagePayload[] = "millrace.cli/usage";
constexpr char kWhatPayload[] = "millrace.cli/what";
constexpr char kHintPayload[] = "millrace.cli/hint";

std::optional<std::string> PayloadOf(const absl::Status& status, const char* url) {
  const auto payload = status.GetPayload(url);
  return payload.has_value() ? std::optional<std::string>(std::string(*payload)) : std::nullopt;
}

bool IsUnreachable(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

/// What to do about a reason of the server.
std::string_view AdviceFor(v1::ErrorReason reason) {
  switch (reason) {
    case v1::SERVICE_NOT_FOUND:
      return "`millrace services list` shows the services, `millrace services create FILE` adds one";
    case v1::SERVICE_VERSION_NOT_FOUND:
      return "`millrace services versions NAME` shows the versions of a service";
    case v1::SERVICE_DEFINITION_INVALID:
      return "docs/SERVICES.md describes the format; `millrace services test --file FILE --input RECORDS` tries it out";
    case v1::SERVICE_VERSION_TAKEN:
      return "versions never change: give the new definition a higher `version`";
    case v1::SERVICE_VERSION_IN_USE:
      return "`millrace jobs list --service 'NAME[VERSION]' --unfinished` shows the jobs";
    case v1::SOURCE_CONNECTION_FAILED:
      return "the server answers, but the database behind the connection does not: see the file of millraced "
             "--source-connections";
    case v1::PIPELINE_NOT_FOUND:
      return "`millrace jobs list` shows the jobs of this server";
    case v1::SCHEDULE_NOT_FOUND:
      return "`millrace schedules list` shows the schedules";
    case v1::SCHEDULE_ID_TAKEN:
      return "`millrace schedules update ID` changes the one that is there; or choose another id";
    case v1::EXCEPTION_NOT_FOUND:
      return "`millrace exceptions list JOB` shows the exceptions of a job";
    case v1::EXCEPTION_SETTLED:
      return "`millrace exceptions show JOB EXCEPTION` says what was done about it, by whom and when";
    case v1::PIPELINE_ID_TAKEN:
      return "choose another --id, or leave it out to get a new one";
    case v1::UNIQUE_KEY_TAKEN:
      return "wait for the job that holds the key, or cancel it";
    case v1::CHUNK_ID_TAKEN:
      return "input, chunk size, summary and parameters must be those of the first time; otherwise use another id";
    case v1::REQUEST_ID_REUSED:
      return "repeat the call with the same arguments, or choose another id";
    case v1::PIPELINE_CLOSED:
    case v1::PIPELINE_CANCELLED:
      return "`millrace jobs retry ID --allow-cancelled` takes up a job that failed or was cancelled; records of your "
             "own "
             "go into a new pipeline";
    case v1::JOB_NOT_FINISHED:
      return "wait for its end; `millrace jobs delete ID --force` would cancel it and discard everything";
    case v1::CURSOR_IN_FUTURE:
      return "`millrace pipelines status ID` shows the newest result";
    case v1::CHUNK_TOO_LARGE:
    case v1::PUSH_EXCEEDS_INPUT_BUFFER:
      return "use a smaller --chunk-size";
    case v1::INPUT_BUFFER_FULL:
      return "pull results, or wait until records were processed";
    case v1::STORAGE_FULL:
      return "free space on the disk of the server; nothing that was acknowledged is lost";
    case v1::SERVER_BUSY:
    case v1::SERVER_NOT_READY:
      return "try again in a moment, or give --retry-for a longer time";
    default:
      return {};
  }
}

/// What to do about a job that ends by itself in a moment: whoever is told that may have asked for all there is to ask for.
std::string_view AdviceForEnding(const client::ErrorDetails& details) {
  if (details.reason != v1::JOB_NOT_FINISHED || !details.retry_delay.has_value()) return {};
  return details.metadata.contains("child_job_id") ? "its jobs are still being cancelled; try again in a moment"
                                                   : "try again in a moment";
}

/// What a cancel by force discarded does not come back: taking up that job is no advice.
std::string_view AdviceForDiscarded(const client::ErrorDetails& details) {
  if (details.reason != v1::PIPELINE_CANCELLED || !details.metadata.contains("chunk_count")) return {};
  return "push the records into a new pipeline, or submit the job again";
}

/// About what holds a version, but not against `--force`.
std::string_view AdviceForHeldVersion(const client::ErrorDetails& details) {
  if (details.reason != v1::SERVICE_VERSION_IN_USE) return {};
  if (details.metadata.contains("exception_job_count")) {
    return "`millrace jobs list --service 'NAME[VERSION]' --sort failed` shows the jobs; --force deletes it anyway";
  }
  if (!details.metadata.contains("schedule_count")) return {};
  return "`millrace schedules update ID` names another version; --force deletes it anyway";
}

std::string HintFor(const absl::Status& status, const client::ErrorDetails& details, std::string_view server) {
  if (auto hint = PayloadOf(status, kHintPayload)) return *std::move(hint);
  if (const std::string_view advice = AdviceForDiscarded(details); !advice.empty()) return std::string(advice);
  if (const std::string_view advice = AdviceForHeldVersion(details); !advice.empty()) return std::string(advice);
  if (const std::string_view advice = AdviceForEnding(details); !advice.empty()) return std::string(advice);
  if (const std::string_view advice = AdviceFor(details.reason); !advice.empty()) return std::string(advice);
  if (IsUnreachable(status)) {
    return absl::StrCat("is millraced running at ", std::string(server),
                        "? Another address can be given with --server or in MILLRACE_SERVER");
  }
  return {};
}

}  // namespace

std::string_view ExitCodeHelp() {
  return "Exit codes:\n"
         "  0  done, every record succeeded\n"
         "  1  failed; the error says why\n"
         "  2  the command line is wrong, nothing was done\n"
         "  3  done, but some records became exceptions or rejects (--allow-exceptions makes it 0)\n"
         "  4  interrupted by Ctrl-C or a signal\n"
         "  5  the server cannot be reached or is not ready\n";
}

absl::Status UsageError(std::string_view message) {
  absl::Status status = absl::InvalidArgumentError(std::string(message));
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

absl::Status During(std::string_view what, absl::Status status) {
  if (!status.ok() && !PayloadOf(status, kWhatPayload)) status.SetPayload(kWhatPayload, absl::Cord(std::string(what)));
  return status;
}

absl::Status WithHint(absl::Status status, std::string_view hint) {
  if (!status.ok()) status.SetPayload(kHintPayload, absl::Cord(std::string(hint)));
  return status;
}

std::string WhyRepeated(const absl::Status& failure) {
  const bool is_full = client::ErrorReasonOf(failure) == v1::STORAGE_FULL;
  if (!is_full && !absl::IsUnavailable(failure)) return {};
  return absl::StrCat(is_full ? "the server cannot store anything (" : "the server is away (",
                      std::string(failure.message()), ")");
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return ExitCode::kOk;
  if (PayloadOf(status, kUsagePayload)) return ExitCode::kUsage;
  if (absl::IsCancelled(status)) return ExitCode::kInterrupted;
  const bool is_database = client::ErrorDetailsOf(status).reason == v1::SOURCE_CONNECTION_FAILED;
  return IsUnreachable(status) && !is_database ? ExitCode::kUnreachable : ExitCode::kFailed;
}

std::string RenderFailure(const absl::Status& status, std::string_view server, const Style& style) {
  const client::ErrorDetails details = client::ErrorDetailsOf(status);
  std::string out = style.Red("millrace:") + " ";
  if (absl::IsCancelled(status)) {
    out.append("interrupted");  // the user knows by what
  } else {
    if (const auto what = PayloadOf(status, kWhatPayload)) absl::StrAppend(&out, *what, ": ");
    out.append(Printable(std::string(status.message())));
  }
  if (!details.reason_name.empty()) absl::StrAppend(&out, " (", details.reason_name, ")");
  out.push_back('\n');
  for (const client::FieldViolation& violation : details.field_violations) {
    // A single wrong field is the message already.
    if (absl::StrContains(std::string(status.message()), violation.description)) continue;
    absl::StrAppend(&out, "  ", Printable(violation.field), ": ", Printable(violation.description), "\n");
  }
  if (const std::string hint = HintFor(status, details, server); !hint.empty()) {
    absl::StrAppend(&out, style.Yellow("hint:"), " ", Printable(hint), "\n");
  }
  return out;
}

}  // namespace millrace::cli
