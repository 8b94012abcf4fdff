#include "tools/millrace/bulk_file.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/util/json_util.h"
#include "millrace/v1/bulk.pb.h"
#include "storage/model/limits.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/json_output.h"

namespace millrace::cli {
namespace {

using google::protobuf::Struct;

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) return UsageError(absl::StrCat("cannot read ", path));
  return text;
}

template <typename Message>
absl::Status ReadJson(const std::string& json, const std::string& where, Message& message) {
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &message);
  if (parsed.ok()) return absl::OkStatus();
  return UsageError(absl::StrCat(where, ": ", std::string(parsed.message())));
}

absl::Status AddJob(const std::string& json, const std::string& where, v1::SubmitJobRequest& request) {
  v1::ChildJob job;
  if (absl::Status read = ReadJson(json, where, job); !read.ok()) return read;
  if (job.service().empty()) return UsageError(absl::StrCat(where, ": service is required"));
  if (!job.has_source()) return UsageError(absl::StrCat(where, ": source is required"));
  absl::StrAppend(request.mutable_source()->mutable_inline_()->mutable_records()->mutable_json_lines(), json, "\n");
  return absl::OkStatus();
}

absl::Status AddObject(Struct& object, const std::string& path, v1::SubmitJobRequest& request) {
  const google::protobuf::Value jobs = object.fields().at("jobs");
  if (!jobs.has_list_value()) return UsageError(absl::StrCat(path, ": jobs: expected a list of jobs"));
  object.mutable_fields()->erase("jobs");
  for (const char* own : {"service", "source"}) {
    if (object.fields().contains(own)) {
      return UsageError(absl::StrCat(path, ": ", own, ": belongs to each of the jobs, not to the bulk run"));
    }
  }
  if (absl::Status read = ReadJson(ToJson(object), path, request); !read.ok()) return read;
  for (int i = 0; i < jobs.list_value().values_size(); ++i) {
    const google::protobuf::Value& job = jobs.list_value().values(i);
    const std::string where = absl::StrCat(path, ": jobs[", i, "]");
    if (!job.has_struct_value()) return UsageError(absl::StrCat(where, ": expected an object"));
    if (absl::Status added = AddJob(ToJson(job.struct_value()), where, request); !added.ok()) return added;
  }
  return absl::OkStatus();
}

absl::Status AddLines(const std::string& text, const std::string& path, v1::SubmitJobRequest& request) {
  int64_t number = 0;
  for (const auto& line : absl::StrSplit(text, '\n')) {
    ++number;
    if (line.find_first_not_of(" \t\r") == absl::string_view::npos) continue;
    const std::string where = absl::StrCat(path, ": line ", number);
    if (absl::Status added = AddJob(std::string(line), where, request); !added.ok()) return added;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::SubmitJobRequest> ReadBulkFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadAll(path);
  if (!text.ok()) return text.status();
  v1::SubmitJobRequest request;
  absl::StatusOr<Struct> object = StructFromJson(*text);
  absl::Status added;
  if (!object.ok()) {
    added = AddLines(*text, path, request);
  } else if (object->fields().contains("jobs")) {
    added = AddObject(*object, path, request);
  } else {
    added = AddJob(ToJson(*object), path, request);
  }
  if (!added.ok()) return added;
  request.set_service(std::string(kJobsService));
  const size_t bytes = request.source().inline_().records().json_lines().size();
  if (bytes == 0) return UsageError(absl::StrCat(path, ": it holds no job"));
  if (bytes > model::kSourceInlineBytesMax) {
    return UsageError(absl::StrCat(path, ": its jobs are ", bytes, " bytes, and a call takes ",
                                   model::kSourceInlineBytesMax, "; push them as JSON Lines: millrace run ",
                                   std::string(kJobsService), " --input FILE --chunk-size 1"));
  }
  return request;
}

}  // namespace millrace::cli
