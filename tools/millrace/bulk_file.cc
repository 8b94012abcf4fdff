#include "tools/millrace/bulk_file.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/util/json_util.h"
#include "millrace/v1/bulk.pb.h"
#include "storage/model/limits.h"
#include "storage/records/input_window.h"
#include "storage/records/json_text.h"
#include "storage/records/record_reader.h"
#include "tools/millrace/bulk_run.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/json_output.h"

namespace millrace::cli {
namespace {

/// More than the jobs may be, since a file that people write has blanks.
constexpr size_t kFileBytesMax = 16 * model::kSourceInlineBytesMax;

constexpr char kExpected[] = "expected one JSON object, or a JSON object on each line";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

absl::StatusOr<std::string> ReadAll(const std::string& path, std::stop_token stop) {
  if (records::FormatOfPath(path) == records::FileFormat::kCsv) {
    return UsageError(absl::StrCat(path, ": the jobs of a bulk run are JSON or JSON Lines, not CSV; see docs/BULK.md"));
  }
  absl::StatusOr<std::string> text = records::ReadWholeFile(path, kFileBytesMax, std::move(stop));
  if (!text.ok())
    return absl::IsCancelled(text.status()) ? text.status() : UsageError(std::string(text.status().message()));
  if (text->starts_with(kByteOrderMark)) text->erase(0, kByteOrderMark.size());
  return text;
}

template <typename Message>
absl::Status ReadJson(const std::string& json, const std::string& where, Message& message) {
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &message);
  if (parsed.ok()) return absl::OkStatus();
  return UsageError(absl::StrCat(where, ": ", std::string(parsed.message())));
}

/// Adds a job as it was written, on one line.
absl::Status AddJob(std::string_view written, const std::string& where, v1::SubmitJobRequest& request) {
  const bool spans_lines = written.find_first_of("\r\n") != std::string_view::npos;
  const std::string json = spans_lines ? records::MinifyJson(written) : std::string(written);
  v1::ChildJob job;
  if (absl::Status read = ReadJson(json, where, job); !read.ok()) return read;
  if (job.service().empty()) return UsageError(absl::StrCat(where, ": service is required"));
  if (!job.has_source()) return UsageError(absl::StrCat(where, ": source is required"));
  absl::StrAppend(request.mutable_source()->mutable_inline_()->mutable_records()->mutable_json_lines(), json, "\n");
  return absl::OkStatus();
}

absl::Status AddJobs(std::string_view list, const std::string& path, v1::SubmitJobRequest& request) {
  std::vector<std::string_view> jobs;
  if (!records::SplitJsonArray(list, jobs)) {
    return UsageError(absl::StrCat(path, ": jobs: expected a list of jobs"));
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    const std::string where = absl::StrCat(path, ": jobs[", i, "]");
    if (!jobs[i].starts_with('{')) return UsageError(absl::StrCat(where, ": expected an object"));
    if (absl::Status added = AddJob(jobs[i], where, request); !added.ok()) return added;
  }
  return absl::OkStatus();
}

/// Adds an object with `jobs`: these, and what stands beside them.
absl::Status AddDocument(std::string_view text, const std::vector<records::JsonField>& fields, const std::string& path,
                         v1::SubmitJobRequest& request) {
  std::string_view jobs;
  std::string beside = "{";
  for (const records::JsonField& field : fields) {
    const std::string key(field.key);
    if (key == "service" || key == "source") {
      return UsageError(absl::StrCat(path, ": ", key, ": belongs to each of the jobs, not to the bulk run"));
    }
    if (key != "jobs") {
      beside.append(beside.size() > 1 ? "," : "").append(text.substr(field.begin, field.end - field.begin));
    } else if (!jobs.empty()) {
      return UsageError(absl::StrCat(path, ": jobs: stands there twice"));
    } else {
      jobs = field.raw;
    }
  }
  if (absl::Status read = ReadJson(beside + "}", path, request); !read.ok()) return read;
  return AddJobs(jobs, path, request);
}

absl::Status AddLines(const std::string& text, const std::string& path, v1::SubmitJobRequest& request) {
  int64_t number = 0;
  bool is_first = true;
  for (const auto& line : absl::StrSplit(text, '\n')) {
    ++number;
    std::string job(line);
    if (job.ends_with('\r')) job.pop_back();
    if (job.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (std::exchange(is_first, false) && !records::IsJson(job)) {
      // More likely a document with a slip in it than lines.
      const absl::Status why = StructFromJson(text).status();
      return UsageError(absl::StrCat(path, ": ", why.ok() ? kExpected : std::string(why.message())));
    }
    if (absl::Status added = AddJob(job, absl::StrCat(path, ": line ", number), request); !added.ok()) return added;
  }
  return absl::OkStatus();
}

absl::Status AddText(const std::string& text, const std::string& path, v1::SubmitJobRequest& request) {
  records::JsonObjectScanner object;
  if (!object.Scan(text)) return AddLines(text, path, request);
  for (const records::JsonField& field : object.fields()) {
    if (field.key == "jobs") return AddDocument(text, object.fields(), path, request);
  }
  const size_t begin = text.find('{');
  return AddJob(std::string_view(text).substr(begin, text.rfind('}') + 1 - begin), path, request);
}

}  // namespace

absl::StatusOr<v1::SubmitJobRequest> ReadBulkFile(const std::string& path, std::stop_token stop) {
  const absl::StatusOr<std::string> text = ReadAll(path, std::move(stop));
  if (!text.ok()) return text.status();
  const std::string name = path == "-" ? "the standard input" : path;
  v1::SubmitJobRequest request;
  if (absl::Status added = AddText(*text, name, request); !added.ok()) return added;
  request.set_service(std::string(kJobsService));
  const size_t bytes = request.source().inline_().records().json_lines().size();
  if (bytes == 0) return UsageError(absl::StrCat(name, ": it holds no job"));
  if (bytes > model::kSourceInlineBytesMax) {
    return UsageError(absl::StrCat(name, ": its jobs are ", bytes, " bytes, and a call takes ",
                                   model::kSourceInlineBytesMax, "; push them as JSON Lines: millrace run ",
                                   std::string(kJobsService), " --input FILE --chunk-size 1"));
  }
  return request;
}

}  // namespace millrace::cli
